import { checkAnswer } from '../../request/limits.ts'
import type { RequestRow } from '../../request/request-row.ts'
import type { RowResult } from '../../sampling/sample.ts'
import type { Warning } from '../../warning.ts'
import type { Answer } from '../protocol.ts'
import type { Hold, Steps } from '../steps.ts'

/** The content type of a tensor. */
export const OCTETS = 'application/octet-stream'

/** The headers of an answer that is a tensor, with their descriptions. */
export const tensorHeaders = {
  'X-Dtype': '`float32`. Only for an answer in bytes.',
  'X-Shape':
    'Number of rows and vocabulary size, separated by a comma. Only for an answer in bytes.',
  'X-Warnings': 'The warnings, as JSON, if there are any. Only for an answer in bytes.',
}

/** Writes the distributions of all rows as a float32 tensor. The answer begins after the last row, because warnings are in a header. */
export function* writeTensor(
  rows: readonly RequestRow[],
  results: Iterable<RowResult | undefined>,
  hold: Hold,
): Steps<Answer> {
  const { vocabSize } = rows[0]!
  checkAnswer(rows, () => [{ name: 'logits', amount: vocabSize }])
  const written: Uint8Array[] = []
  const warnings: RowWarning[] = []
  for (const result of results) {
    if (!result) {
      yield undefined
      continue
    }
    const index = written.length
    const { buffer } = result.probabilities!
    hold(buffer.byteLength)
    written.push(new Uint8Array(buffer))
    const own = [...result.warnings, ...leftOut(result, rows[index]!)]
    for (const warning of own) warnings.push({ ...warning, row: index })
    yield undefined
  }
  const header = toHeader(warnings)
  const headers = {
    'content-type': OCTETS,
    'content-length': rows.length * vocabSize * 4,
    'x-dtype': 'float32',
    'x-shape': `${rows.length},${vocabSize}`,
    ...(header && { 'x-warnings': header }),
  }
  return { headers, parts: partsOf(written) }
}

function* partsOf(written: readonly Uint8Array[]): Steps {
  yield* written
}

interface RowWarning extends Warning {
  row: number
}

/** The reports that a tensor cannot hold. */
const reports = ['top', 'scored', 'trace', 'watched'] as const

const RELATIVE: Warning = {
  code: 'PROBABILITIES_RELATIVE',
  message: 'probabilities are relative to the tokens given; accept application/json for given_mass',
}

/** Warnings about reports and options of the request that a tensor does not have. */
function leftOut(result: RowResult, { answer }: RequestRow): Warning[] {
  const { return_probabilities: returned, encoding } = answer
  const absent = reports.filter((name) => result[name] !== undefined)
  const idle = [
    ...(returned === 'all' ? [] : [`return_probabilities ${returned}`]),
    ...(encoding === 'json' ? [] : [`encoding ${encoding}`]),
  ]
  return [
    ...(result.normalization === 'candidates' ? [RELATIVE] : []),
    ...absent.map((name) => ({
      code: 'OUTPUT_LEFT_OUT',
      message: `${name} has no effect: a tensor cannot hold it; accept application/json`,
    })),
    ...idle.map((field) => ({
      code: 'PARAMETER_WITHOUT_EFFECT',
      message: `${field} has no effect: a tensor has all probabilities`,
    })),
  ]
}

/** The longest header of warnings: proxies accept heads of a few kilobytes. */
const MOST_WARNED = 4096

/** Warnings as a header: JSON in ASCII. If they are too long, the last item counts those left out. */
function toHeader(warnings: readonly RowWarning[]): string | undefined {
  if (warnings.length === 0) return undefined
  const written: string[] = []
  let length = 0
  for (const warning of warnings) {
    const text = toAscii(JSON.stringify(warning))
    length += text.length + 1
    if (length > MOST_WARNED) break
    written.push(text)
  }
  const rest = warnings.length - written.length
  if (rest > 0) {
    const message = `${rest} more warnings; accept application/json for all`
    written.push(JSON.stringify({ code: 'WARNINGS_LEFT_OUT', message }))
  }
  return `[${written.join()}]`
}

const toAscii = (json: string) =>
  json.replace(
    /[^ -~]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
