import { html, nothing } from 'lit-html'
import type { Actions } from '../actions.ts'
import { isStale, type Model } from '../model.ts'
import { count, percent } from '../numbers.ts'
import { rawProbability, rawRank } from '../raw.ts'
import { type Answer, type Scene, takenAt } from '../scene.ts'
import { idOf, labelOf } from '../vocabulary.ts'
import { path } from './path.ts'

/** The details of one token: what happened to it, and a way to take it. */

/** Finds a token by its id or word. */
function find({ vocabulary, row }: Scene, written: string): number | undefined {
  const id = /^#?\d+$/.test(written) ? Number(written.replace('#', '')) : undefined
  const found = id ?? idOf(` ${written}`, vocabulary) ?? idOf(written, vocabulary)
  return found !== undefined && found < row!.logits.length ? found : undefined
}

function finder(scene: Scene, actions: Actions) {
  return html`<form
    class="find"
    @submit=${(event: SubmitEvent) => {
      event.preventDefault()
      const input = (event.target as HTMLFormElement).elements.namedItem(
        'token',
      ) as HTMLInputElement
      const id = find(scene, input.value.trim())
      input.setCustomValidity(id === undefined ? 'The vocabulary has no such token' : '')
      input.reportValidity()
      if (id !== undefined) actions.inspect(scene, id)
    }}
    @input=${({ target }: InputEvent) => (target as HTMLInputElement).setCustomValidity('')}
  ><label>Another word <input name="token" size="10" autocomplete="off" placeholder="or token id" required /></label>
    <button type="submit">Look</button></form>`
}

function takeButton(scene: Scene, actions: Actions, { at }: Answer, id: number) {
  if (!at || id === takenAt(scene, at)) return nothing
  return html`<button type="button" data-act="take" @click=${() => actions.take(scene, id)}>Go on with this word</button>`
}

export function tokenDetail(model: Model, scene: Scene, actions: Actions) {
  const { answer } = scene
  if (!answer) return nothing
  const { vocabulary } = answer
  const id = scene.inspected ?? (scene.name === 'three' ? takenAt(scene, answer.at) : undefined)
  if (id === undefined) return model.isShowingMore ? finder(scene, actions) : nothing
  const { row } = answer
  return html`<div class=${`token-detail ${isStale(model, scene) ? 'stale' : ''}`} role="group" aria-label="One token">
      <p class="title"><span class="word">${labelOf(id, vocabulary)}</span> <small>token ${id}, ${percent(rawProbability(row, id))} at T = 1, rank ${count(rawRank(row, id))}</small>
        ${scene.inspected === undefined ? nothing : html`<button type="button" class="plain" data-act="close" @click=${() => actions.inspect(scene, id)}>Close</button>`}</p>
      ${path(model, scene, answer, id)}
      ${takeButton(scene, actions, answer, id)}
    </div>
    ${finder(scene, actions)}`
}
