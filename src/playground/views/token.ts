import { html, nothing } from '/vendor/lit-html/lit-html.js'
import type { Actions } from '../actions.ts'
import { setFields, summary } from '../controls.ts'
import { answerOf, type Model, rawProbability, rawRank, samplerOf } from '../model.ts'
import { brief, count, percent } from '../numbers.ts'
import { idOf, visible, wordOf } from '../vocabulary.ts'

/** The details of one token: whether it is kept, and why. */

function why(model: Model, id: number, name: string) {
  const sampler = samplerOf(model.catalogue, name)
  const step = model.answer?.result.trace?.find((one) => one.sampler === name)
  const settings = setFields(sampler, model.fields).map(
    ([field, value]) => `${field} ${summary(value)}`,
  )
  const { threshold } = step ?? {}
  const own = model.row.logits[id]!
  return html`<p class="verdict" data-dropped-by=${name}><strong>${sampler.title} dropped it</strong> (${settings.join(', ')}). ${sampler.meaning}
    ${
      typeof threshold === 'number'
        ? html`It kept logits of at least ${brief(threshold, 5)}; this token has ${brief(own, 5)}.`
        : nothing
    }</p>`
}

function verdict(model: Model, id: number) {
  const { watched, trace = [] } = model.answer!.result
  const fate = watched?.find(({ token_id }) => token_id === id)
  if (!fate) return nothing
  if (fate.dropped_by === 'logits') {
    return html`<p class="verdict" data-dropped-by="logits"><strong>It is out of play</strong>: its logit is −∞.</p>`
  }
  if (fate.dropped_by) return why(model, id, fate.dropped_by)
  const ran =
    trace.length === 1
      ? 'One sampler ran and kept it'
      : `${trace.length} samplers ran and all kept it`
  return html`<p class="verdict" data-dropped-by=""><strong>It is in play.</strong> ${trace.length === 0 ? 'No sampler ran.' : `${ran}.`}</p>`
}

/** Finds a token by its id or word. */
function find({ vocabulary, row }: Model, written: string): number | undefined {
  const id = /^#?\d+$/.test(written) ? Number(written.replace('#', '')) : undefined
  const found = id ?? idOf(written, vocabulary) ?? idOf(` ${written}`, vocabulary)
  return found !== undefined && found < row.logits.length ? found : undefined
}

function finder(model: Model, actions: Actions) {
  return html`<form
    class="find"
    @submit=${(event: SubmitEvent) => {
      event.preventDefault()
      const written = String(new FormData(event.target as HTMLFormElement).get('token'))
      const id = find(model, written.trim())
      if (id === undefined) actions.complain(`There is no token “${written}” in this vocabulary`)
      else actions.inspect(id)
    }}
  ><label>Another token <input name="token" size="12" autocomplete="off" placeholder="id or word" required /></label>
    <button type="submit">Look</button></form>`
}

export function tokenDetail(model: Model, actions: Actions) {
  const { inspected: id, vocabulary, row } = model
  const answer = answerOf(model)
  if (id === undefined || !answer) return finder(model, actions)
  const { scored } = answer.result
  const at = scored?.token_ids.indexOf(id) ?? -1
  const logprob = at < 0 ? null : scored!.logprobs[at]!
  const rank = at < 0 ? null : scored!.ranks[at]!
  const now = rank === null ? 'out of play' : `${percent(Math.exp(logprob!))}, rank ${count(rank)}`
  return html`<div class="token-detail" role="group" aria-label="One token">
      <h3><span class="word">${visible(wordOf(id, vocabulary))}</span> <small>token ${id}</small>
        <button type="button" class="plain" @click=${() => actions.inspect(undefined)}>Close</button></h3>
      <dl class="facts">
        <div><dt>Logit</dt><dd>${brief(row.logits[id]!, 5)}</dd></div>
        <div><dt>Raw</dt><dd>${percent(rawProbability(model, id))}, rank ${count(rawRank(model, id))}</dd></div>
        <div><dt>Now</dt><dd>${now}</dd></div>
      </dl>
      ${verdict(model, id)}
    </div>
    ${finder(model, actions)}`
}
