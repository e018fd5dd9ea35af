import { parseArgs } from 'node:util'
import { KelvinError } from '../client/index.ts'
import { toJsonRequest, toWire } from '../client/request.ts'
import { openTransport, type Transport } from '../client/transport.ts'
import { dtypes } from '../tensors/dtypes.ts'
import { Failure, misuse } from './failure.ts'
import { fieldOptions, fieldsOf, fieldUsage, unknownOption } from './flags.ts'
import { Problem, sampleHere } from './in-process.ts'
import { type Input, readInput } from './input.ts'
import { type Shown, toTable } from './table.ts'

/** `kelvin sample` does the same as /v1/sample, with logits from a file. */

/** Number of bars in a chart. */
const TOP = 10

const usage = `Usage: kelvin sample FILE [OPTIONS]

Samples from the logits in FILE, one row or several: .npy, JSON, or bytes (with --dtype). FILE - is standard
input. JSON is a list of numbers, or a whole request; options override its fields. Prints the most likely
tokens and the tokens drawn.

  --url URL
      Send the request to this server, such as http://localhost:27315 or unix:/run/kelvin/kelvin.sock. Set
      KELVIN_API_KEY if the server requires a key. Without --url, this process samples.
  --json
      Print the answer of /v1/sample as JSON.
  --dtype TYPE
      The file is one row of bytes of this type: ${dtypes.join(', ')}.
  -h, --help

Fields of the request:

${fieldUsage}

Exits with 0 after an answer, 1 without one, and 2 if the options are wrong.
`

function open(url: string, apiKey: string | undefined): Transport {
  try {
    return openTransport(url, apiKey ? { apiKey } : {})
  } catch (error) {
    throw misuse(`--url ${url}: ${(error as Error).message}`)
  }
}

async function ask(url: string, apiKey: string | undefined, { logits, fields }: Input) {
  const transport = open(url, apiKey)
  try {
    const wire = toWire('/v1/sample', logits, fields)
    return (await transport.post(wire, 'seed' in fields)) as Shown
  } finally {
    await transport.close()
  }
}

const options = {
  ...fieldOptions,
  url: { type: 'string' },
  json: { type: 'boolean' },
  dtype: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const

/** Joins an option and a negative number after it. Node would read the number as an option. */
function joinNegatives(args: readonly string[]): string[] {
  const isValue = (i: number) =>
    /^-\.?\d/.test(args[i] ?? '') && /^--[^=]+$/.test(args[i - 1] ?? '')
  return args.flatMap((arg, i) => {
    if (isValue(i)) return []
    return isValue(i + 1) ? [`${arg}=${args[i + 1]}`] : [arg]
  })
}

function parse(given: string[]) {
  const args = joinNegatives(given)
  try {
    return parseArgs({ args, allowPositionals: true, allowNegative: true, options })
  } catch (error) {
    const { code, message } = error as Error & { code?: string }
    const [, option] = /^Unknown option '([^']+)'/.exec(message) ?? []
    throw code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION' && option ? misuse(unknownOption(option)) : error
  }
}

export async function run(args: string[], { KELVIN_API_KEY }: NodeJS.ProcessEnv) {
  const { values, positionals } = parse(args)
  if (values.help) {
    process.stdout.write(usage)
    return 0
  }
  const [file] = positionals
  if (file === undefined || positionals.length > 1) throw misuse('expected one FILE')
  const { url, json, dtype } = values as { url?: string; json?: boolean; dtype?: string }
  const chart = json ? {} : { top_logprobs: TOP, return_probabilities: 'none' }
  const { logits, fields: given } = await readInput(file, dtype)
  const fields = { ...chart, ...given, ...fieldsOf(values) }
  try {
    const answer =
      url === undefined
        ? (JSON.parse(sampleHere(toJsonRequest(logits, fields))) as Shown)
        : await ask(url, KELVIN_API_KEY, { logits, fields })
    const width = process.stdout.columns ?? 80
    process.stdout.write(json ? `${JSON.stringify(answer, null, 2)}\n` : toTable(answer, width))
    return 0
  } catch (error) {
    const isTold = error instanceof Problem || error instanceof KelvinError
    throw isTold ? new Failure(error.message) : error
  }
}
