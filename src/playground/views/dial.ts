import { html, nothing } from '/vendor/lit-html/lit-html.js'
import type { Actions } from '../actions.ts'
import { faultOf, type Model, temperatureOf } from '../model.ts'
import { brief, count } from '../numbers.ts'
import { KNOWN_GOOD, placeOf, temperatureAt } from '../scale.ts'

/** The temperature, and its effect on the distribution. */

function figure(id: string, label: string, value: string, unit: string) {
  return html`<div class="figure"><dt>${label}</dt><dd><output id=${id}>${value}</output> <small>${unit}</small></dd></div>`
}

function warnings({ answer, problem }: Model) {
  if (problem) {
    return html`<p class="problem" data-code=${problem.code}>${problem.detail}</p>`
  }
  return (answer?.warnings ?? []).map(
    ({ code, message }) => html`<p class="warning" data-code=${code}>${message}</p>`,
  )
}

export function dial(model: Model, actions: Actions) {
  const temperature = temperatureOf(model)
  const { answer } = model
  const entropy = answer?.result.entropy ?? 0
  const kept = answer?.result.kept_count ?? 0
  const fault = faultOf(model, 'temperature')
  return html`
    <div class="readout">
      <label class="temperature"><span class="unseen">Temperature, any number from 0</span>
        <input
          id="temperature"
          type="number"
          min="0"
          step="any"
          inputmode="decimal"
          aria-invalid=${fault ? 'true' : nothing}
          .value=${String(temperature)}
          @input=${({ target }: InputEvent) => {
            const { valueAsNumber } = target as HTMLInputElement
            if (!Number.isNaN(valueAsNumber)) actions.setField('temperature', valueAsNumber)
          }}
          @change=${({ target }: Event) => {
            const input = target as HTMLInputElement
            if (Number.isNaN(input.valueAsNumber)) input.value = String(temperature)
          }}
        /></label>
      <dl class="figures">
        ${figure('entropy', 'Entropy', brief(entropy), 'nats')}
        ${figure('effective', 'Effective tokens', brief(Math.exp(entropy)), 'e^entropy')}
        ${figure('kept', 'Kept', count(kept), `of ${count(model.row.logits.length)}`)}
      </dl>
    </div>
    <div class="said">${warnings(model)}</div>
  `
}

/** The slider. It shows a temperature above its scale at its end. */
export function slider(model: Model, actions: Actions) {
  const temperature = temperatureOf(model)
  return html`<input
    id="temperature-slider"
    type="range"
    min="0"
    max="1"
    step="0.002"
    aria-label="Temperature, from 0 to 3"
    aria-valuetext=${`${temperature}${temperature > KNOWN_GOOD ? ', usually incoherent' : ''}`}
    .value=${String(placeOf(temperature))}
    @input=${({ target }: InputEvent) =>
      actions.setField('temperature', temperatureAt((target as HTMLInputElement).valueAsNumber))}
  />`
}
