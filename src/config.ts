import * as z from 'zod'

const LOOPBACK = 'localhost'

/** The longest text that V8 holds, and so the longest JSON. */
const LONGEST_TEXT = 2 ** 29 - 24

function integer(min: number, max: number) {
  return z
    .string()
    .regex(/^\d{1,15}$/, 'Expected a whole number')
    .transform(Number)
    .pipe(z.int().min(min).max(max))
}

/** Every environment variable Kelvin reads. Tables of them are made from this. */
export const Config = z.object({
  PORT: integer(0, 65_535)
    .prefault('27315')
    .describe('TCP port; 0 takes a free one. 273.15 K is 0 °C.'),
  HOST: z
    .string()
    .min(1)
    .prefault(LOOPBACK)
    .describe(
      'Address to listen on; `0.0.0.0` or `::` for every interface, as in the container image.',
    ),
  LOG_LEVEL: z
    .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
    .prefault('info')
    .describe('Least severe log lines to write; `info` has one for each request.'),
  MAX_BODY_BYTES: integer(1024, LONGEST_TEXT)
    .prefault(String(64 * 2 ** 20))
    .describe('Largest request body, in bytes; a larger one is a 413.'),
  MAX_VOCAB_SIZE: integer(1, 2 ** 24)
    .prefault(String(2 ** 20))
    .describe('Most entries in a row of logits; more are a 422.'),
  MAX_ROWS: integer(1, 2 ** 16)
    .prefault('4096')
    .describe('Most rows in a batch; more are a 422.'),
  REQUEST_TIMEOUT_MS: integer(0, 3_600_000)
    .prefault('60000')
    .describe('How long a request may take to arrive, in milliseconds; then 408. 0 waits forever.'),
  SHUTDOWN_TIMEOUT_MS: integer(0, 3_600_000)
    .prefault('10000')
    .describe(
      'How long SIGTERM waits for requests under way, in milliseconds, before it ends them.',
    ),
})
export type Config = Readonly<z.output<typeof Config>>

/** Faults of the environment, all of them, one a line. */
export class ConfigError extends Error {}

export function loadConfig(environment: Record<string, string | undefined>): Config {
  // A variable set to nothing, as compose files do, counts as not set.
  const given = Object.entries(environment).filter(([, value]) => value !== '')
  const result = Config.safeParse(Object.fromEntries(given))
  if (result.success) return Object.freeze(result.data)
  throw new ConfigError(
    result.error.issues
      .map(
        (issue) =>
          `${issue.path.join('.')}=${environment[String(issue.path[0])]}: ${issue.message}`,
      )
      .join('\n'),
  )
}

/** Each variable with its default and meaning, for the README and --help. */
export function describeConfig() {
  const { properties = {} } = z.toJSONSchema(Config, { io: 'input' })
  return Object.entries(properties).map(([name, property]) => {
    const { default: fallback, description } = property as {
      default?: string
      description?: string
    }
    return { name, fallback: fallback ?? '', description: description ?? '' }
  })
}
