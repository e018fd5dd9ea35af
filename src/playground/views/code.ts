import { html, nothing } from 'lit-html'
import type { Actions } from '../actions.ts'
import { hasKey } from '../key.ts'
import type { Model } from '../model.ts'
import { READABLE, textOfRow } from '../request.ts'
import { rove } from '../roving.ts'
import { languages } from '../snippets/index.ts'
import { LOGITS_FILE } from '../snippets/snippet.ts'

/** The request on screen as code. */

function snippet({ dial, fields, language }: Model): string {
  const { length } = dial.row!.logits
  const call = {
    origin: location.origin,
    fields: { ...fields, ...dial.context },
    vocabSize: length,
    hasKeys: hasKey(),
    ...(length <= READABLE && { logits: textOfRow(dial.row!) }),
  }
  return languages.find(({ name }) => name === language)!.write(call)
}

export function code(model: Model, actions: Actions) {
  const isLong = model.dial.row!.logits.length > READABLE
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
    <div class="buttons" data-group @keydown=${rove}>
      <button type="button" data-item data-act="copy" @click=${() => actions.copy(snippet(model), 'code')}>Copy</button>
      <button type="button" data-item data-act="link" @click=${() => actions.copyLink()}>Copy link</button>
      ${
        isLong
          ? html`<button type="button" data-item data-act="save" @click=${() => actions.saveLogits()}>Save ${LOGITS_FILE}</button>`
          : nothing
      }
    </div>
    <p class="about" role="status">${model.copied || 'The link contains everything on this page. Browsers do not send its contents to a server.'}</p>
  `
}
