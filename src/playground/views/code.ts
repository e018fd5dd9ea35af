import { html, nothing } from '/vendor/lit-html/lit-html.js'
import type { Actions } from '../actions.ts'
import { textOfRow } from '../asks.ts'
import type { Model } from '../model.ts'
import { READABLE } from '../request.ts'
import { languages } from '../snippets/index.ts'
import { LOGITS_FILE } from '../snippets/snippet.ts'

/** The request on screen as code. */

function snippet({ row, fields, language }: Model): string {
  const { length } = row.logits
  const call = {
    origin: location.origin,
    fields,
    vocabSize: length,
    ...(length <= READABLE && { logits: textOfRow(row) }),
  }
  return languages.find(({ name }) => name === language)!.write(call)
}

export function code(model: Model, actions: Actions) {
  const isLong = model.row.logits.length > READABLE
  return html`
    <div class="languages" role="radiogroup" aria-label="Language">
      ${languages.map(
        ({ name }) => html`<label><input
          type="radio"
          name="language"
          .checked=${name === model.language}
          @change=${() => actions.chooseLanguage(name)}
        /><span>${name}</span></label>`,
      )}
    </div>
    <pre tabindex="0" aria-label=${`The request in ${model.language}`}><code id="snippet">${snippet(model)}</code></pre>
    <div class="buttons">
      <button type="button" data-act="copy" @click=${() => actions.copy(snippet(model), 'code')}>Copy</button>
      <button type="button" data-act="link" @click=${() => actions.copyLink()}>Copy link</button>
      ${
        isLong
          ? html`<button type="button" data-act="save" @click=${() => actions.saveLogits()}>Save ${LOGITS_FILE}</button>`
          : nothing
      }
    </div>
    <p class="about" role="status">${model.copied || 'The link contains everything on this page. Browsers do not send its contents to a server.'}</p>
  `
}
