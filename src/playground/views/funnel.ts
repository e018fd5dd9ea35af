import { html, nothing, type TemplateResult } from 'lit-html'
import type { Actions } from '../actions.ts'
import { setFields, summary } from '../controls.ts'
import { isStale, type Model, samplerOf } from '../model.ts'
import { brief, count, percent } from '../numbers.ts'
import { rove } from '../roving.ts'
import type { Answer } from '../scene.ts'
import { tokenButton } from './word.ts'

/** The number of tokens and the share of the probability that each sampler left. */

interface Stage {
  name: string
  title: string
  settings: string
  kept: number
  /** The product of the shares that the samplers so far have kept, each of the distribution before it. */
  mass: number
  removed?: { count: number; mass: number; ids: readonly number[] }
  entropy: number
}

function stagesOf(model: Model, { result, fields }: Answer): Stage[] {
  const { trace = [], kept_count, entropy } = result
  const first = trace[0]
  const stages: Stage[] = [
    {
      name: 'logits',
      title: 'Logits',
      settings: '',
      kept: first?.kept_before ?? kept_count,
      mass: 1,
      entropy: first?.entropy_before ?? entropy,
    },
  ]
  for (const step of trace) {
    const sampler = samplerOf(model.catalogue, step.sampler)
    const settings = setFields(sampler, fields)
    stages.push({
      name: sampler.name,
      title: sampler.title,
      settings: settings.map(([, value]) => summary(value)).join(', '),
      kept: step.kept_after,
      mass: stages.at(-1)!.mass * (1 - step.mass_removed),
      removed: {
        count: step.kept_before - step.kept_after,
        mass: step.mass_removed,
        ids: step.dropped_token_ids,
      },
      entropy: step.entropy_after,
    })
  }
  return stages
}

/** The largest number of removed tokens that the funnel names for each sampler. */
const NAMED = 6

export function funnel(model: Model, actions: Actions): TemplateResult | typeof nothing {
  const { dial } = model
  const { answer } = dial
  if (!answer) return nothing
  if (!answer.result.trace?.length) {
    return html`<p class="about">No sampler is on, so all words are in play. Switch one on to see what it leaves.</p>`
  }
  const { row } = answer
  const stages = stagesOf(model, answer)
  // Only a logarithmic scale shows both hundreds of thousands of tokens and the ten that are left.
  const width = (kept: number) => (100 * Math.log1p(kept)) / Math.log1p(row.logits.length)
  const dropped = ({ removed }: Stage) => {
    if (!removed || removed.count === 0) return nothing
    const named = removed.ids.slice(0, NAMED)
    const others = removed.count - named.length
    return html`<p class="fell"><span>removed:</span> ${named.map((id) =>
      tokenButton(id, answer.vocabulary, dial.inspected, (one) => actions.inspect(dial, one)),
    )} ${others > 0 ? html`<small>${named.length > 0 ? 'and ' : ''}${count(others)} ${named.length > 0 ? 'more' : 'less likely tokens'}</small>` : nothing}</p>`
  }
  return html`<ol class=${`funnel ${isStale(model, dial) ? 'stale' : ''}`} data-group @keydown=${rove}>
      ${stages.map(
        (stage) => html`<li data-step=${stage.name}>
          <p class="step"><span class="name">${stage.title}</span> <span class="values">${stage.settings}</span></p>
          <div class="narrowing" aria-hidden="true"><div .style=${`width: ${width(stage.kept)}%`}></div></div>
          <p class="left"><b>${count(stage.kept)}</b> ${stage.kept === 1 ? 'token' : 'tokens'}
            <span class="mass">${
              stage.removed
                ? stage.removed.count > 0
                  ? `−${percent(stage.removed.mass)}, ${percent(stage.mass)} left`
                  : 'none dropped'
                : 'in play'
            }</span>
            <span class="quiet">${brief(stage.entropy)} nats</span></p>
          ${dropped(stage)}
        </li>`,
      )}
    </ol>
    <p class="about">The width of a bar is the logarithm of the number of tokens left. A removed share refers to the probability before that sampler.</p>`
}
