import { html, nothing } from '/vendor/lit-html/lit-html.js'
import type { Actions } from '../actions.ts'
import { answerOf, type Model, type Preset } from '../model.ts'
import { brief, count } from '../numbers.ts'
import type { Fields } from '../types.ts'
import { textOf } from '../vocabulary.ts'
import { requestField } from './field.ts'
import { word } from './word.ts'

/** The choice of logits, and the text before them. */

const ids = (value: unknown) => (value ?? []) as readonly number[]

const history = ({ prompt_token_ids, output_token_ids }: Fields) => [
  ...ids(prompt_token_ids),
  ...ids(output_token_ids),
]

/** The title of a preset: the end of its text. */
function titleOf({ context, vocabulary, entropy, row }: Preset): string {
  const text = textOf(history(context), vocabulary).replace('<s>', '').replaceAll('\n', ' ').trim()
  const end = text.length > 34 ? `…${text.slice(-33)}` : text
  return `${end ? `“${end}”` : `${row.logits.length} logits made by hand`} · ${brief(entropy, 2)} nats`
}

/** Shared fields whose controls are elsewhere on the page. */
const ELSEWHERE = ['profile', 'order']

function pasteForm(actions: Actions) {
  return html`<details class="paste">
    <summary>Paste numbers</summary>
    <form
      @submit=${(event: SubmitEvent) => {
        event.preventDefault()
        const form = event.target as HTMLFormElement
        void actions.paste(String(new FormData(form).get('numbers')))
      }}
    >
      <label class="label" for="pasted">A JSON array of logits</label>
      <textarea id="pasted" name="numbers" rows="3" spellcheck="false" placeholder="[2, 1, 0.5, -1, -3]"></textarea>
      <button type="submit">Use these</button>
    </form>
  </details>`
}

function fileInput(id: string, label: string, about: string, accept: string, actions: Actions) {
  return html`<label class="file"><span class="label">${label}</span>
    <input
      id=${id}
      type="file"
      accept=${accept}
      @change=${({ target }: Event) => {
        const input = target as HTMLInputElement
        void actions.giveFiles([...(input.files ?? [])])
        // Without this, choosing the same file again would trigger no event.
        input.value = ''
      }}
    /><span class="about">${about}</span></label>`
}

function rowChooser({ given }: Model, actions: Actions) {
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

function text(model: Model) {
  const { fields, vocabulary } = model
  const prompt = ids(fields.prompt_token_ids)
  const output = ids(fields.output_token_ids)
  const drawn = answerOf(model)?.result.token_ids[0]
  const words = (list: readonly number[]) => textOf(list, vocabulary)
  // White space is shown as it is, so the template must not add any.
  return html`<p class="story" aria-label="The text so far, and the token drawn"><span class="prompt">${words(prompt)}</span><span class="output">${words(output)}</span>${
    drawn === undefined
      ? nothing
      : html`<span class="next" data-token=${drawn}>${word(drawn, vocabulary)}</span>`
  }</p>`
}

export function logits(model: Model, actions: Actions) {
  const { presets, row, vocabulary, catalogue } = model
  const { common, context } = catalogue.fields
  const shared = Object.entries({ ...context, ...common }).filter(
    ([name]) => !ELSEWHERE.includes(name),
  )
  return html`
    <label class="label" for="preset">A row of a small model, or your own</label>
    <select
      id="preset"
      @change=${({ target }: Event) => {
        const preset = presets.find(({ id }) => id === (target as HTMLSelectElement).value)
        if (preset) actions.choosePreset(preset)
      }}
    >
      ${presets.map(
        (preset) =>
          html`<option value=${preset.id} .selected=${preset.id === row.preset}>${titleOf(preset)}</option>`,
      )}
      ${row.preset ? nothing : html`<option value="" .selected=${true}>${row.name}</option>`}
    </select>
    ${rowChooser(model, actions)} ${text(model)}
    <p class="about">${count(row.logits.length)} logits${
      vocabulary.words.length > 0 ? nothing : ', no words for them yet'
    }</p>
    ${pasteForm(actions)}
    <details class="files">
      <summary>Open a file, or drop one anywhere</summary>
      ${fileInput('logits-file', 'Logits', '.npy, JSON, or raw float32', '.npy,.json,.f32,.bin,.raw,.txt', actions)}
      ${fileInput('words-file', 'Words', 'JSON, tokenizer.json, or one word on each line', '.json,.txt,.vocab', actions)}
    </details>
    <details class="context">
      <summary>History and shared fields</summary>
      ${shared.map(([name, schema]) => requestField(model, actions, name, schema))}
    </details>
  `
}
