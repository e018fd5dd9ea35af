import { repeat } from '/vendor/lit-html/directives/repeat.js'
import { html } from '/vendor/lit-html/lit-html.js'
import { percent } from '../numbers.ts'
import type { Vocabulary } from '../types.ts'
import { tokenButton } from './word.ts'

/** A bar chart of tokens with two shares each: one is a bar, the other an outline behind it. */

export interface Bar {
  id: number
  /** Null if the token is out of play. */
  front: number | null
  behind: number
}

export interface BarChart {
  bars: readonly Bar[]
  caption: string
  front: string
  behind: string
  vocabulary: Vocabulary
  inspected: number | undefined
  inspect(id: number): void
}

const CEILINGS = [0.02, 0.05, 0.1, 0.2, 0.5, 1]

/** The end of the scale: the smallest round share that no bar exceeds. */
export function ceilingOf(bars: readonly Bar[]): number {
  const most = Math.max(0, ...bars.flatMap(({ front, behind }) => [front ?? 0, behind]))
  return CEILINGS.find((ceiling) => ceiling >= most) ?? 1
}

export function barChart({
  bars,
  caption,
  front,
  behind,
  vocabulary,
  inspected,
  inspect,
}: BarChart) {
  const ceiling = ceilingOf(bars)
  const width = (share: number) => `width: ${Math.min((100 * share) / ceiling, 100)}%`
  return html`<table class="bars">
    <caption class="unseen">${caption}</caption>
    <thead>
      <tr>
        <th scope="col">token</th>
        <th scope="col" class="scale" aria-hidden="true"><span>0</span><span class="half">${50 * ceiling}</span><span>${100 * ceiling} %</span></th>
        <th scope="col" class="number">${front}</th>
        <th scope="col" class="number quiet">${behind}</th>
      </tr>
    </thead>
    <tbody>
      ${repeat(
        bars,
        ({ id }) => id,
        (bar) => html`<tr data-token=${bar.id} class=${bar.front === null ? 'out' : ''}>
          <th scope="row">${tokenButton(bar.id, vocabulary, inspected, inspect)}</th>
          <td class="bar" aria-hidden="true" @click=${() => inspect(bar.id)}><div class="track">
            <div class="behind" .style=${width(bar.behind)}></div>
            <div class="front" .style=${width(bar.front ?? 0)}></div>
          </div></td>
          <td class="number" data-value=${bar.front ?? ''}>${bar.front === null ? html`<span title="out of play">out</span>` : percent(bar.front)}</td>
          <td class="number quiet" data-value=${bar.behind}>${percent(bar.behind)}</td>
        </tr>`,
      )}
    </tbody>
  </table>`
}
