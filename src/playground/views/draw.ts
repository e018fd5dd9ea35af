import { html, nothing } from 'lit-html'
import type { Actions } from '../actions.ts'
import { faultOf, isStale, type Model } from '../model.ts'
import { count, percent } from '../numbers.ts'
import { rove } from '../roving.ts'
import type { Answer } from '../scene.ts'
import { type Bar, barChart } from './bars.ts'
import { requestField } from './field.ts'
import { word } from './word.ts'

/** The drawn tokens, and how often each was drawn. */

const AT_ONCE = [1, 10, 1000]
/** The largest number of drawn tokens that are shown one by one. */
const LISTED = 40
const SHOWN_BARS = 12

function histogram({ result }: Answer): { bars: Bar[]; different: number } {
  const { token_ids, logprobs } = result
  const drawn = new Map<number, { times: number; probability: number }>()
  token_ids.forEach((id, i) => {
    const known = drawn.get(id)
    if (known) known.times++
    else drawn.set(id, { times: 1, probability: Math.exp(logprobs[i] ?? Number.NEGATIVE_INFINITY) })
  })
  const bars = [...drawn]
    .sort(([a, x], [b, y]) => y.times - x.times || y.probability - x.probability || a - b)
    .slice(0, SHOWN_BARS)
    .map(([id, { times, probability }]) => ({
      id,
      front: times / token_ids.length,
      behind: probability,
    }))
  return { bars, different: drawn.size }
}

function outcome(model: Model, actions: Actions) {
  const { dial } = model
  const { answer } = dial
  if (!answer) return nothing
  const { vocabulary } = answer
  const { token_ids } = answer.result
  const { bars, different } = histogram(answer)
  return html`<p class="drawn" data-drawn=${token_ids.length} aria-label="Tokens drawn">
      ${token_ids.slice(0, LISTED).map((id) => html`${word(id, vocabulary)} `)}${
        token_ids.length > LISTED
          ? html`<small>and ${count(token_ids.length - LISTED)} more</small>`
          : nothing
      }
    </p>
    ${
      token_ids.length > 1
        ? html`${barChart({
            bars,
            caption: 'How often each token was drawn, and its probability',
            front: 'drawn',
            behind: 'expected',
            vocabulary,
            inspected: dial.inspected,
            inspect: (id) => actions.inspect(dial, id),
          })}<p class="about">${count(different)} different tokens in ${count(token_ids.length)}${
            different > bars.length ? `, the ${bars.length} most frequent shown` : ''
          }.</p>`
        : html`<p class="about">This token had ${percent(bars[0]!.behind)} of the probability.</p>`
    }`
}

export function draw(model: Model, actions: Actions) {
  const { catalogue, fields, dial } = model
  const seedFault = faultOf(model, 'seed')
  const { replacement } = catalogue.fields.draw
  const countFault = faultOf(model, 'n')
  return html`
    <p class="lead">Draw the word above many times: the shares come close to the chances.</p>
    <div class="buttons" data-group @keydown=${rove}>
      ${AT_ONCE.map(
        (n) =>
          html`<button type="button" data-item data-draw=${n} @click=${() => actions.draw(n)}>Draw ${count(n)}</button>`,
      )}
    </div>
    ${countFault ? html`<p class="fault">${countFault}</p>` : nothing}
    <div class=${isStale(model, dial) ? 'stale' : ''}>${outcome(model, actions)}</div>
    <div class="address">
      <label>Seed <input
        id="seed"
        inputmode="numeric"
        autocomplete="off"
        spellcheck="false"
        aria-invalid=${seedFault ? 'true' : nothing}
        .value=${String(fields.seed ?? '')}
        @change=${({ target }: Event) => actions.setField('seed', (target as HTMLInputElement).value.trim() || undefined)}
      /></label>
      <span>step <output id="step">${dial.context.step ?? 0}</output></span>
      <button type="button" data-act="replay" @click=${() => actions.replay()}>Replay</button>
    </div>
    ${seedFault ? html`<p class="fault">${seedFault}</p>` : nothing}
    <p class="about" role="status">${model.said || 'The same seed and step draw the same tokens, on any machine.'}</p>
    ${(fields.n as number) > 1 && replacement ? requestField(model, actions, 'replacement', replacement) : nothing}
  `
}
