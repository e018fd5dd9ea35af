import { html, nothing } from 'lit-html'
import type { Actions } from '../actions.ts'
import { captionOf } from '../captions.ts'
import { type Model, temperatureOf } from '../model.ts'
import { percent } from '../numbers.ts'
import { rove } from '../roving.ts'
import { temperatureText } from '../scale.ts'
import type { Scene } from '../scene.ts'
import { type Column, surprise, type Token } from '../tale.ts'
import { wordOf } from '../vocabulary.ts'

/** The text that the model writes. Each word can be clicked. */

function token(scene: Scene, actions: Actions, column: number, position: number, one: Token) {
  const { tale, at, vocabulary } = scene
  const { keep } = tale!.columns[column]!
  const isOld = keep !== undefined && position >= keep
  const isShown = at?.column === column && at.position === position
  return html`<span
    role="button"
    data-item
    data-position=${position}
    class=${isOld ? 'written old' : 'written'}
    aria-pressed=${isShown}
    title=${`${percent(one.chance)} likely`}
    .style=${`--surprise: ${surprise(one).toFixed(2)}`}
    @click=${() => actions.select(scene, { column, position })}
    @keydown=${(event: KeyboardEvent) => {
      if (event.key !== 'Enter' && event.key !== ' ') return
      event.preventDefault()
      actions.select(scene, { column, position })
    }}
  >${wordOf(one.id, vocabulary)}</span>`
}

/** White space is shown as it is, so the template must not add any. */
export function columnText(scene: Scene, actions: Actions, index: number) {
  const { tale } = scene
  const { tokens, isEnded, keep } = tale!.columns[index]!
  const isWriting = tale!.isWriting && !(isEnded && keep === undefined)
  return html`<p class="tale" data-group data-column=${index} aria-label=${`The text at temperature ${temperatureText(tale!.columns[index]!.writtenAt)}`} @keydown=${rove}><span class="beginning">${tale!.beginning}</span>${tokens.map(
    (one, position) => token(scene, actions, index, position, one),
  )}${isWriting ? html`<span class="pen" aria-hidden="true"></span>` : nothing}</p>`
}

export const isOld = ({ keep, writtenAt, temperature }: Column) =>
  keep !== undefined || writtenAt !== temperature

function beginningForm(scene: Scene, actions: Actions) {
  return html`<form
    class="beginning-form"
    @submit=${(event: SubmitEvent) => {
      event.preventDefault()
      void actions.begin(String(new FormData(event.target as HTMLFormElement).get('beginning')))
    }}
  ><label>Beginning <input id="beginning" name="beginning" autocomplete="off" .value=${scene.tale!.beginning} /></label>
    <button type="submit" data-act="begin">Write</button>
    <button type="button" data-act="again" @click=${() => actions.writeAgain()}>Other random numbers</button>
    ${
      scene.tale!.isWriting
        ? html`<button type="button" data-act="stop" class="plain" @click=${() => actions.stopWriting(scene)}>Stop</button>`
        : scene.tale!.columns.some(({ isEnded }) => !isEnded)
          ? html`<button type="button" data-act="go-on" class="plain" @click=${() => actions.goOn(scene)}>Go on</button>`
          : nothing
    }</form>`
}

export const surpriseLegend = html`<span class="legend"><span class="key expected"></span> expected <span class="key surprising"></span> surprising</span>`

/** The text at the temperature of the dial; for the user's own logits, a way back to the tale. */
export function dialText(model: Model, actions: Actions) {
  const { dial } = model
  if (!dial.tale) {
    return html`<p class="about">These logits have no model behind them, so there is no text.</p>
      <button type="button" data-act="back" @click=${() => actions.backToTale()}>Back to the tale</button>`
  }
  const column = dial.tale.columns[0]!
  const temperature = temperatureText(column.writtenAt)
  return html`
    <h2 id="text-title"><span class=${column.writtenAt === temperatureOf(model.fields) ? '' : 'stale'}>Written at T = <output id="written-at">${temperature}</output></span> ${surpriseLegend}</h2>
    ${columnText(dial, actions, 0)}
    ${beginningForm(dial, actions)}
  `
}

/** A few words about a column. */
export const effectOf = ({ writtenAt }: Column) => captionOf(writtenAt).effect
