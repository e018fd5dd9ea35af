import { html, nothing } from 'lit-html'
import type { Actions } from '../actions.ts'
import type { Model } from '../model.ts'
import { count } from '../numbers.ts'
import { requestField } from './field.ts'

/** The user's own logits, words or model. */

/** Shared fields whose controls are elsewhere on the page. */
const ELSEWHERE = ['profile', 'order']

function rowChooser({ dial: { given } }: Model, actions: Actions) {
  if (!given || given.rows.rows < 2) return nothing
  return html`<label class="row">Row <input
    id="row"
    type="number"
    min="0"
    max=${given.rows.rows - 1}
    .value=${String(given.index)}
    @change=${({ target }: Event) => {
      const { valueAsNumber } = target as HTMLInputElement
      if (valueAsNumber >= 0 && valueAsNumber < given.rows.rows)
        void actions.chooseRow(valueAsNumber)
    }}
  /> of ${count(given.rows.rows)}, counted from 0</label>`
}

export function intake(model: Model, actions: Actions) {
  const { dial, catalogue } = model
  const { common, context } = catalogue.fields
  const shared = Object.entries({ ...context, ...common }).filter(
    ([name]) => !ELSEWHERE.includes(name),
  )
  const { length } = dial.row!.logits
  return html`
    <p class="lead">Show your own logits, words or model here. Nothing leaves your machine except to this server.</p>
    <form
      @submit=${(event: SubmitEvent) => {
        event.preventDefault()
        void actions.paste(String(new FormData(event.target as HTMLFormElement).get('numbers')))
      }}
    >
      <label class="label" for="pasted">Paste numbers, lines such as <code>word: 1.5</code>, or a whole request</label>
      <textarea id="pasted" name="numbers" rows="3" spellcheck="false" placeholder="2, 1, 0.5, -1, -3"></textarea>
      <button type="submit">Show</button>
    </form>
    <label class="file"><span class="label">Or open files, or drop them anywhere on the page</span>
      <input id="files" type="file" multiple @change=${({ target }: Event) => {
        const input = target as HTMLInputElement
        void actions.giveFiles([...(input.files ?? [])])
        // Without this, choosing the same file again would trigger no event.
        input.value = ''
      }} /></label>
    <p id="intake-fault" class="fault" role="alert">${model.notice}</p>
    <p class="about">Logits: <code>.npy</code>, JSON, raw float32. Words: <code>tokenizer.json</code>, a list. A model: llama2.c’s <code>.bin</code> with its tokenizer.</p>
    ${rowChooser(model, actions)}
    <p class="about">Shown now: ${dial.row!.name}, ${count(length)} logits${dial.vocabulary.words.length > 0 ? nothing : ', no words for them yet'}.</p>
    ${dial.tale ? nothing : html`<button type="button" class="plain" data-act="back" @click=${() => actions.backToTale()}>Back to the tale</button>`}
    <details class="context">
      <summary>History and other fields of the request</summary>
      ${shared.map(([name, schema]) => requestField(model, actions, name, schema))}
    </details>
  `
}
