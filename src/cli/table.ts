import type { Answer, SampleResult } from '../client/index.ts'

/** Formats an answer for people: for each row, the drawn tokens and a chart of the most likely ones. */

export type Shown = Answer<SampleResult>

const EIGHTHS = ' ▏▎▍▌▋▊▉█'

/** A bar that fills a share of `width` characters, with a precision of an eighth of a character. */
function bar(share: number, width: number): string {
  const eighths = Math.round(8 * share * width)
  const rest = EIGHTHS[eighths % 8]!
  return '█'.repeat(Math.floor(eighths / 8)) + (rest === ' ' ? '' : rest)
}

/** Aligns columns: numbers to the right, text to the left. */
function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)))
  const areNumbers = rows.at(-1)!.map((cell) => /^\d/.test(cell))
  return rows.map((row) =>
    row
      .map((cell, i) => (areNumbers[i] ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
      .join('  ')
      .trimEnd(),
  )
}

const round = (value: number) => value.toFixed(4)

function chart({ top }: SampleResult, width: number): string[] {
  if (!top) return []
  const most = top.probabilities[0]!
  return columns([
    ['token', 'p', ''],
    ...top.token_ids.map((id, i) => {
      const p = top.probabilities[i]!
      return [String(id), round(p), bar(p / most, Math.max(10, Math.min(width - 20, 50)))]
    }),
  ])
}

function funnel({ trace }: SampleResult): string[] {
  if (!trace) return []
  const steps = columns([
    ['sampler', 'before', 'after', 'mass removed', 'entropy'],
    ...trace.map((step) => [
      step.sampler,
      String(step.kept_before),
      String(step.kept_after),
      round(step.mass_removed),
      round(step.entropy_after),
    ]),
  ])
  return ['', ...steps]
}

const short = (value: number) => String(Number(value.toPrecision(5)))

/** The way of each watched token, in a line. */
function paths({ watched, token_ids }: SampleResult): string[] {
  if (!watched) return []
  const lines = watched.map(({ token_id, logit, path, probability, rank }) => {
    const ways = [logit === null ? 'no logit' : short(logit)]
    let last = logit
    for (const step of path) {
      ways.push(
        step.logit === null ? removal(step, last) : `${step.sampler} → ${short(step.logit)}`,
      )
      last = step.logit
    }
    if (probability === null) ways.push('out')
    else {
      const fate = token_ids.includes(token_id) ? 'drawn' : 'not drawn'
      ways.push(`kept with ${short(100 * probability)} %, rank ${rank}, ${fate}`)
    }
    return `token ${token_id}: ${ways.join(' → ')}`
  })
  return ['', ...lines]
}

type PathStep = NonNullable<SampleResult['watched']>[number]['path'][number]

function removal({ sampler, threshold }: PathStep, logit: number | null): string {
  if (threshold === null) return `${sampler} removes it`
  const tie = threshold === logit ? ' and a lower id' : ''
  return `${sampler} needs ${short(threshold)}${tie}`
}

function about(result: SampleResult): string {
  const drawn = result.token_ids
    .map((id, i) => `${id} (${result.logprobs[i]?.toFixed(4) ?? '−∞'})`)
    .join(', ')
  const address = `seed ${result.seed}, stream ${result.stream}, step ${result.step}`
  return `drawn ${drawn}\n${result.kept_count} tokens kept, entropy ${round(result.entropy)} nats; ${address}`
}

/** Formats an answer. `width` is the width of the terminal in characters. */
export function toTable({ results, warnings }: Shown, width: number): string {
  const parts = results.map((result, row) =>
    [
      ...(results.length > 1 ? [`row ${row}`] : []),
      about(result),
      '',
      ...chart(result, width),
      ...funnel(result),
      ...paths(result),
      ...warnings.filter((w) => w.row === row).map(({ message }) => `\nwarning: ${message}`),
    ].join('\n'),
  )
  return `${parts.join('\n\n')}\n`
}
