import { html, nothing } from 'lit-html'
import { repeat } from 'lit-html/directives/repeat.js'
import { percent } from '../numbers.ts'
import { rove } from '../roving.ts'
import type { Vocabulary } from '../types.ts'
import { tokenButton } from './word.ts'

/** A bar chart of tokens with two shares each: one is a bar, the other a mark behind it. */

export interface Bar {
  readonly id: number
  /** Null if the token is out of play. */
  readonly front: number | null
  readonly behind: number
  /** What removed the token. */
  readonly removedBy?: string | undefined
  /** Cells between the token and its bar. */
  readonly steps?: readonly string[]
  /** The samplers that cut here: the tokens below are out. */
  readonly cuts?: readonly string[]
  readonly isTaken?: boolean
}

export interface BarChart {
  readonly bars: readonly Bar[]
  readonly caption: string
  readonly front: string
  /** Omitted: both shares are the same. */
  readonly behind: string | undefined
  readonly stepTitles?: readonly unknown[]
  readonly vocabulary: Vocabulary
  readonly inspected: number | undefined
  inspect(id: number): void
}

/** The scale is always 0 to 100 %, so that bars can be compared while the temperature moves. */
const width = (share: number) => `width: ${Math.min(100 * share, 100)}%`

export function barChart(chart: BarChart) {
  const { bars, caption, front, behind, stepTitles = [], vocabulary, inspected, inspect } = chart
  const columns = 4 + stepTitles.length
  return html`<table class="bars" data-group @keydown=${rove}>
    <caption class="unseen">${caption}</caption>
    <thead>
      <tr>
        <th scope="col">word</th>
        ${stepTitles.map((title) => html`<th scope="col" class="number step">${title}</th>`)}
        <th scope="col" class="scale" aria-hidden="true"><span>0</span><span>50</span><span>100 %</span></th>
        <th scope="col" class="number">${front}</th>
        <th scope="col" class="number quiet">${behind}</th>
      </tr>
    </thead>
    <tbody>
      ${repeat(
        bars,
        ({ id }) => id,
        (
          bar,
        ) => html`<tr data-token=${bar.id} class=${`${bar.front === null ? 'out' : ''} ${bar.isTaken ? 'taken' : ''}`}>
          <th scope="row">${tokenButton(bar.id, vocabulary, inspected, inspect)}</th>
          ${(bar.steps ?? []).map((step) => html`<td class="number step">${step}</td>`)}
          <td class="bar" aria-hidden="true" @click=${() => inspect(bar.id)}><div class="track">
            <div class="front" .style=${width(bar.front ?? 0)}></div>
            <div class="behind" .style=${width(bar.behind)}></div>
          </div></td>
          <td class="number" data-value=${bar.front ?? ''}>${bar.front === null ? (bar.removedBy ?? 'out') : percent(bar.front)}</td>
          <td class="number quiet" data-value=${bar.behind}>${behind === undefined ? '' : percent(bar.behind)}</td>
        </tr>${
          bar.cuts?.length
            ? html`<tr class="cut"><td colspan=${columns}><span>${bar.cuts.join(', ')}</span></td></tr>`
            : nothing
        }`,
      )}
    </tbody>
  </table>`
}
