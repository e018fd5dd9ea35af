import { html, nothing } from '/vendor/lit-html/lit-html.js'
import type { Actions } from '../actions.ts'
import { answerOf, type Model, rawProbability, SHOWN, shownTokens } from '../model.ts'
import { count, percent } from '../numbers.ts'
import { type Bar, barChart } from './bars.ts'
import { tokenDetail } from './token.ts'

/** The most likely tokens, with their probabilities after and before all samplers. */
export function distribution(model: Model, actions: Actions) {
  const answer = answerOf(model)
  if (!answer) return nothing
  const { row } = model
  const { scored, top } = answer.result
  const after = new Map<number, number | null>()
  scored?.token_ids.forEach((id, i) => {
    const logprob = scored.logprobs[i]!
    after.set(id, logprob === null ? null : Math.exp(logprob))
  })
  top?.token_ids.forEach((id, i) => {
    after.set(id, top.probabilities[i]!)
  })
  const bars = shownTokens(model).map(
    (id): Bar => ({
      id,
      front: after.get(id) ?? null,
      behind: rawProbability(model, id),
    }),
  )
  const shown = bars.reduce((sum, { front }) => sum + (front ?? 0), 0)
  return html`
    <p class="legend"><span class="key front"></span> after all samplers <span class="key behind"></span> before all samplers</p>
    ${barChart({
      bars,
      caption: 'The most likely tokens, with their probability after all samplers and before',
      front: 'now',
      behind: 'raw',
      vocabulary: model.vocabulary,
      inspected: model.inspected,
      inspect: (id) => actions.inspect(id === model.inspected ? undefined : id),
    })}
    <p class="about">${
      row.logits.length > SHOWN
        ? `The most likely ${bars.length} of ${count(row.logits.length)}; they hold ${percent(Math.min(shown, 1))}.`
        : nothing
    } Click a token to see whether a sampler removed it, and which.</p>
    ${tokenDetail(model, actions)}
  `
}
