import uPlot from 'uplot'
import { HIGHEST, KNOWN_GOOD, placeOf, temperatureAt } from './scale.ts'

/** The plot of entropy over temperature. It marks the temperature that is set. */

export interface CurveData {
  temperatures: readonly number[]
  entropies: readonly number[]
  /** The temperature that is set, with its entropy. A temperature above the scale is at its end. */
  now?: { temperature: number; entropy: number } | undefined
}

const MARKS = [0, 0.1, 0.2, 0.5, 1, 1.5, 2, 3]

/** Pixels to the left of the plot, for its axis, and to its right. */
const AXIS_WIDTH = 36
const MARGIN = 14

const fontOf = (element: Element) => `12px ${getComputedStyle(element).fontFamily}`

export class Curve {
  readonly #plot: uPlot
  #data: CurveData = { temperatures: [], entropies: [] }

  constructor(container: HTMLElement, choose: (temperature: number) => void) {
    const colour = (name: string) => () => getComputedStyle(container).getPropertyValue(name)
    const axis = {
      stroke: colour('--quiet'),
      grid: { stroke: colour('--line'), width: 1 },
      ticks: { show: false },
      font: fontOf(container),
    }
    this.#plot = new uPlot(
      {
        width: container.clientWidth || 320,
        height: container.clientHeight || 170,
        padding: [10, MARGIN, 0, 0],
        legend: { show: false },
        cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
        scales: {
          x: {
            time: false,
            range: [0, HIGHEST],
            distr: 100,
            fwd: placeOf,
            bwd: temperatureAt,
          },
          y: { range: (_plot, _low, high) => [0, Math.max(high * 1.08, 0.1)] },
        },
        axes: [
          {
            ...axis,
            size: 26,
            filter: (_plot, marks) => marks,
            splits: () => MARKS,
            values: (_plot, marks) => marks.map(String),
          },
          {
            ...axis,
            size: AXIS_WIDTH,
            values: (_plot, marks) => marks.map(String),
          },
        ],
        series: [{}, { stroke: colour('--bar'), width: 2, points: { show: false } }],
        hooks: { drawClear: [(plot) => this.#shade(plot)], draw: [(plot) => this.#mark(plot)] },
      },
      [[], []],
      container,
    )
    new ResizeObserver(() => this.#fit(container)).observe(container)
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#plot.redraw())
    const { over } = this.#plot
    over.addEventListener('pointerdown', (event) => {
      over.setPointerCapture(event.pointerId)
      choose(temperatureAt(event.offsetX / over.clientWidth))
    })
    over.addEventListener('pointermove', (event) => {
      if (event.buttons !== 1) return
      choose(temperatureAt(event.offsetX / over.clientWidth))
    })
  }

  show(data: CurveData): void {
    const isSame = data.temperatures === this.#data.temperatures
    this.#data = data
    if (isSame) this.#plot.redraw(false)
    else this.#plot.setData([[...data.temperatures], [...data.entropies]])
  }

  #fit({ clientWidth, clientHeight }: HTMLElement): void {
    if (clientWidth > 0) this.#plot.setSize({ width: clientWidth, height: clientHeight })
  }

  /** Shades the temperatures at which output quality is known to fall. */
  #shade({ ctx, bbox, root, valToPos }: uPlot): void {
    const from = valToPos(KNOWN_GOOD, 'x', true)
    ctx.fillStyle = getComputedStyle(root).getPropertyValue('--warm-zone')
    ctx.fillRect(from, bbox.top, bbox.left + bbox.width - from, bbox.height)
  }

  #mark({ ctx, bbox, root, valToPos }: uPlot): void {
    const { now } = this.#data
    if (!now) return
    const style = getComputedStyle(root)
    const x = valToPos(Math.min(now.temperature, HIGHEST), 'x', true)
    const y = valToPos(now.entropy, 'y', true)
    const unit = devicePixelRatio
    ctx.save()
    ctx.strokeStyle = ctx.fillStyle = style.getPropertyValue('--ink')
    ctx.lineWidth = unit
    ctx.setLineDash([3 * unit, 3 * unit])
    ctx.beginPath()
    ctx.moveTo(x, bbox.top + bbox.height)
    ctx.lineTo(x, y)
    ctx.lineTo(bbox.left, y)
    ctx.stroke()
    ctx.beginPath()
    ctx.arc(x, y, 5 * unit, 0, 2 * Math.PI)
    ctx.fill()
    ctx.restore()
  }
}
