import { html } from '/vendor/lit-html/lit-html.js'
import type { Vocabulary } from '../types.ts'
import { visible, wordOf } from '../vocabulary.ts'

/** The word of a token, with invisible characters made visible. */
export function word(id: number, vocabulary: Vocabulary) {
  return html`<span class="word">${visible(wordOf(id, vocabulary))}</span>`
}

/** A button that shows the details of a token. */
export function tokenButton(
  id: number,
  vocabulary: Vocabulary,
  inspected: number | undefined,
  inspect: (id: number) => void,
) {
  return html`<button
    type="button"
    class="token"
    data-token=${id}
    aria-pressed=${id === inspected}
    @click=${() => inspect(id)}
  >${word(id, vocabulary)}</button>`
}
