import { html, nothing, type TemplateResult } from 'lit-html'
import { isStale, type Model, temperatureOf } from '../model.ts'
import { brief, count, percent } from '../numbers.ts'
import { rawOf } from '../raw.ts'
import { INFINITE, temperatureText } from '../scale.ts'
import type { Answer } from '../scene.ts'
import { labelOf } from '../vocabulary.ts'

/** The formula of the softmax, with the numbers of one token in it. */

const fraction = (above: unknown, below: unknown) =>
  html`<span class="fraction"><span>${above}</span><span>${below}</span></span>`

/** The probability of a token in the answer; undefined if the answer does not have it or the token is out of play. */
function probabilityOf({ result }: Answer, id: number): number | undefined {
  const at = result.scored?.token_ids.indexOf(id) ?? -1
  const logprob = at < 0 ? null : result.scored!.logprobs[at]!
  return logprob === null ? undefined : Math.exp(logprob)
}

function line(word: string, logit: number, temperature: number, share: number, vocabSize: number) {
  const name = html`p(<b class="word">${word}</b>)`
  if (temperature === 0) {
    return html`${name} = <b>100 %</b> <span class="remark">One cannot divide by 0. In the limit, the largest logit takes all.</span>`
  }
  const exponent = logit / temperature
  const power = Math.exp(exponent)
  const result = html`<b class="result">${percent(share)}</b>`
  const divided =
    temperature >= INFINITE ? html`${brief(logit)} / ∞` : html`${brief(logit)} / ${temperature}`
  const whole = html`e<sup>${divided}</sup>`
  const total = temperature >= INFINITE ? count(vocabSize) : brief(power / share)
  const sum = html`<span class="sum">Σ</span> e<sup>logit / ${temperatureText(temperature)}</sup>`
  if (!Number.isFinite(power)) return html`${name} = ${fraction(whole, sum)} = ${result}`
  return html`${name} = ${fraction(whole, sum)} = ${fraction(brief(power), total)} = ${result}`
}

export function formula(model: Model): TemplateResult | typeof nothing {
  const { dial } = model
  const { answer } = dial
  if (!answer) return nothing
  const temperature = temperatureOf(answer.fields)
  const id = dial.inspected ?? rawOf(answer.row).ids[0]!
  const share = probabilityOf(answer, id)
  const word = labelOf(id, answer.vocabulary)
  const content =
    share === undefined
      ? html`p(<b class="word">${word}</b>) = 0: a sampler removed it.`
      : line(word, answer.row.logits[id]!, temperature, share, answer.row.logits.length)
  return html`<div class=${isStale(model, dial) ? 'stale' : ''}>${content}</div>`
}
