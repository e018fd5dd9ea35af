import { html, nothing } from 'lit-html'
import type { Actions } from '../actions.ts'
import type { Model } from '../model.ts'
import type { Scene } from '../scene.ts'
import type { Column } from '../tale.ts'
import { temperatureInput } from './dial.ts'
import { chartOf } from './distribution.ts'
import { columnText, effectOf, isOld } from './tale.ts'
import { tokenDetail } from './token.ts'

/** The same beginning at three temperatures, side by side. */

function columnView(model: Model, scene: Scene, actions: Actions, column: Column, index: number) {
  const isFaulty = scene.problem !== undefined && isOld(column)
  return html`<article class="column">
      <h3><label>T = ${temperatureInput(
        `temperature-${index}`,
        `Temperature of text ${index + 1}`,
        column.temperature,
        isFaulty,
        (temperature) => actions.setColumn(scene, index, temperature),
      )}</label> <small class=${isOld(column) ? 'stale' : ''}>${effectOf(column)}</small></h3>
      ${columnText(scene, actions, index)}
    </article>
    ${scene.at?.column === index ? lookView(model, scene, actions) : nothing}`
}

/** The distribution of the word that is shown. */
function lookView(model: Model, scene: Scene, actions: Actions) {
  return html`<div class="look" role="group" aria-label="The word that is shown">
    ${chartOf(model, scene, actions)} ${tokenDetail(model, scene, actions)}
  </div>`
}

export function three(model: Model, actions: Actions) {
  const scene = model.three
  return html`
    <p class="lead">One seed for all: the texts differ only because of the temperature. Click a word to see what else it could have been.</p>
    ${scene.problem ? html`<p class="problem">${scene.problem.detail}</p>` : nothing}
    <div class="columns">
      ${scene.tale!.columns.map((column, index) => columnView(model, scene, actions, column, index))}
    </div>
  `
}
