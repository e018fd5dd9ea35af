import { html } from 'lit-html'
import type { Vocabulary } from '../types.ts'
import { labelOf } from '../vocabulary.ts'

/** The word of a token, as a label. */
export function word(id: number, vocabulary: Vocabulary) {
  return html`<span class="word">${labelOf(id, vocabulary)}</span>`
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
    data-item
    data-token=${id}
    aria-pressed=${id === inspected}
    @click=${() => inspect(id)}
  >${word(id, vocabulary)}</button>`
}
