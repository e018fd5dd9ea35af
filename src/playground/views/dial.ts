import { html, nothing } from 'lit-html'
import type { Actions } from '../actions.ts'
import { captionOf } from '../captions.ts'
import { faultOf, isStale, type Model, temperatureOf } from '../model.ts'
import {
  INFINITE,
  KNOWN_GOOD,
  readTemperature,
  sliderPlaceOf,
  sliderTemperatureAt,
  temperatureText,
} from '../scale.ts'

/** The temperature: a number, a slider, and what it does. */

const MARKS = [0, 0.2, 0.5, 1, 1.5, 2, 3, INFINITE]

/** The number of an input for temperatures. The arrow keys step by 0.1. */
export function temperatureInput(
  id: string,
  label: string,
  temperature: number,
  isFaulty: boolean,
  set: (temperature: number) => void,
) {
  const step = (by: number) => set(Math.max(0, Number((temperature + by).toFixed(10))))
  return html`<input
    id=${id}
    class="temperature"
    type="text"
    inputmode="decimal"
    autocomplete="off"
    aria-label=${label}
    aria-invalid=${isFaulty ? 'true' : nothing}
    .value=${temperatureText(temperature)}
    @keydown=${(event: KeyboardEvent) => {
      const by = { ArrowUp: 0.1, ArrowDown: -0.1 }[event.key]
      if (by === undefined || temperature >= INFINITE) return
      event.preventDefault()
      step(by)
    }}
    @input=${({ target }: InputEvent) => {
      const typed = readTemperature((target as HTMLInputElement).value)
      if (typed !== undefined) set(typed)
    }}
    @change=${({ target }: Event) => {
      const input = target as HTMLInputElement
      if (readTemperature(input.value) === undefined) input.value = temperatureText(temperature)
    }}
  />`
}

function messages(model: Model) {
  const { problem } = model.dial
  if (problem) {
    const fault = faultOf(model, 'temperature')
    return html`<p class="problem" data-code=${problem.code}>${fault ? `Temperature: ${fault}` : problem.detail}</p>`
  }
  const temperature = model.dial.answer?.fields.temperature
  // The caption says it already.
  const isSaid = typeof temperature === 'number' && temperature > KNOWN_GOOD
  return (model.dial.answer?.warnings ?? [])
    .filter(({ code }) => !(isSaid && code === 'HIGH_TEMPERATURE'))
    .map(({ code, message }) => html`<p class="warning" data-code=${code}>${message}</p>`)
}

export function dial(model: Model, actions: Actions) {
  const temperature = temperatureOf(model.fields)
  const { answer } = model.dial
  const set = (value: number) => actions.setField('temperature', value)
  const caption = answer && captionOf(temperatureOf(answer.fields))
  return html`
    <div class="readout">
      <label class="big"><span aria-hidden="true">T =</span>
        ${temperatureInput('temperature', 'Temperature, any number from 0', temperature, faultOf(model, 'temperature') !== undefined, set)}</label>
      <p id="caption" class=${isStale(model, model.dial) ? 'stale' : ''}>${caption ? html`<b>${caption.range}</b> ${caption.effect}` : nothing}</p>
    </div>
    <input
      id="temperature-slider"
      type="range"
      min="0"
      max="1"
      step="0.002"
      aria-label="Temperature, from 0 to 3, then infinity"
      aria-valuetext=${temperatureText(temperature)}
      .value=${String(sliderPlaceOf(temperature))}
      @input=${({ target }: InputEvent) => set(sliderTemperatureAt((target as HTMLInputElement).valueAsNumber))}
    />
    <div class="marks" aria-hidden="true">${MARKS.map(
      (mark) =>
        html`<span class="mark" .style=${`left: ${100 * sliderPlaceOf(mark)}%`}>${temperatureText(mark)}</span>`,
    )}</div>
    <div class="said">${messages(model)}</div>
  `
}
