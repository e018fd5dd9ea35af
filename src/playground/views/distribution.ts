import { html, nothing, type TemplateResult } from 'lit-html'
import type { Actions } from '../actions.ts'
import { cutsIn } from '../cuts.ts'
import { isStale, type Model, samplerOf, temperatureOf } from '../model.ts'
import { brief, count } from '../numbers.ts'
import { rawOf, rawProbability, SHOWN } from '../raw.ts'
import { INFINITE, temperatureText } from '../scale.ts'
import { type Answer, type Scene, takenAt } from '../scene.ts'
import { textOf } from '../vocabulary.ts'
import { type Bar, barChart } from './bars.ts'
import { tokenDetail } from './token.ts'

/** The most likely tokens of a row, with their probabilities after and before temperature and samplers. */

/** The number of bars until the user asks for more. */
const FEW = 10

/** Probabilities by token; null for a token out of play. */
function probabilitiesOf({ result }: Answer): ReadonlyMap<number, number | null> {
  const { scored, top } = result
  const found = new Map<number, number | null>()
  scored?.token_ids.forEach((id, i) => {
    const logprob = scored.logprobs[i]!
    found.set(id, logprob === null ? null : Math.exp(logprob))
  })
  top?.token_ids.forEach((id, i) => {
    found.set(id, top.probabilities[i]!)
  })
  return found
}

/** The tokens on screen, by logit: the most likely ones, and those that the user or the draw chose. */
function shownIds({ isShowingMore }: Model, scene: Scene, { row, at }: Answer): number[] {
  const first = rawOf(row).ids.slice(0, isShowingMore ? SHOWN : FEW)
  const others = [takenAt(scene, at), scene.inspected].filter((id) => id !== undefined)
  return [...new Set([...first, ...others])].sort(
    (a, b) => row.logits[b]! - row.logits[a]! || a - b,
  )
}

/** Logit, logit over temperature, and its exponential. */
function stepsOf(logit: number, temperature: number): string[] {
  if (temperature === 0) return [brief(logit), '–', '–']
  const divided = temperature >= INFINITE ? 0 : logit / temperature
  return [brief(logit), brief(divided), brief(Math.exp(divided))]
}

function barsOf(model: Model, scene: Scene, answer: Answer): Bar[] {
  const { catalogue, isShowingSteps } = model
  const { row, result } = answer
  const title = (name: string) => samplerOf(catalogue, name).title
  const probabilities = probabilitiesOf(answer)
  const ids = shownIds(model, scene, answer)
  const cuts = cutsIn(result, ids)
  const temperature = temperatureOf(answer.fields)
  return ids.map((id): Bar => {
    const by = result.watched?.find(({ token_id }) => token_id === id)?.dropped_by
    return {
      id,
      front: probabilities.get(id) ?? null,
      behind: rawProbability(row, id),
      removedBy: by && by !== 'logits' ? title(by) : undefined,
      ...(isShowingSteps && { steps: stepsOf(row.logits[id]!, temperature) }),
      cuts: cuts.get(id)?.map((name) => `${title(name)} cuts here`) ?? [],
      isTaken: id === takenAt(scene, answer.at),
    }
  })
}

/** The text before the word that is shown. */
function before({ tale }: Scene, { at, vocabulary, row }: Answer): string {
  if (!tale || !at) return row.name
  const written = tale.columns[at.column]!.tokens.slice(0, at.position).map(({ id }) => id)
  const text = `${tale.beginning}${textOf(written, vocabulary)}`.replaceAll('\n', ' ')
  return text.length > 48 ? `…${text.slice(-47)}` : text
}

/** Whether the answer is the distribution as the model has it. */
const isRaw = ({ fields, result }: Answer) => temperatureOf(fields) === 1 && !result.trace?.length

/** The chart of a scene's row. */
export function chartOf(
  model: Model,
  scene: Scene,
  actions: Actions,
): TemplateResult | typeof nothing {
  const { answer } = scene
  if (!answer) return nothing
  const bars = barsOf(model, scene, answer)
  const temperature = temperatureText(temperatureOf(answer.fields))
  return html`<div class=${isStale(model, scene) ? 'stale' : ''}>${barChart({
    bars,
    caption:
      'The likeliest next words, with their chances at this temperature and at temperature 1 without samplers',
    front: `T = ${temperature}`,
    behind: isRaw(answer) ? undefined : 'T = 1',
    stepTitles: model.isShowingSteps ? ['logit', '÷ T', html`e<sup>x</sup>`] : [],
    vocabulary: answer.vocabulary,
    inspected: scene.inspected,
    inspect: (id) => actions.inspect(scene, id),
  })}</div>`
}

export function distribution(model: Model, actions: Actions): TemplateResult | typeof nothing {
  const { dial } = model
  const { answer } = dial
  if (!answer) return nothing
  const { result, row } = answer
  const { length } = row.logits
  return html`
    <p class="before">${before(dial, answer)} ${answer.at ? html`<b>___</b>` : nothing}</p>
    ${chartOf(model, dial, actions)}
    <p class="under">
      <label><input type="checkbox" .checked=${model.isShowingSteps} @change=${({ target }: Event) => actions.showSteps((target as HTMLInputElement).checked)} /> Show the steps</label>
      <label ?hidden=${length <= FEW}><input type="checkbox" .checked=${model.isShowingMore} @change=${({ target }: Event) => actions.showMore((target as HTMLInputElement).checked)} /> More words</label>
      <span class=${`figures ${isStale(model, dial) ? 'stale' : ''}`}><output id="kept">${count(result.kept_count)}</output> of ${count(length)} in play · entropy <output id="entropy">${brief(result.entropy)}</output> nats, as many as <output id="effective">${brief(Math.exp(result.entropy))}</output> equal words</span>
    </p>
    ${tokenDetail(model, dial, actions)}
  `
}
