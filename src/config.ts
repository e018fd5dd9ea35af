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

/** The longest path a socket can have on Linux, in bytes: sun_path has 108, and the last is zero. */
const LONGEST_SOCKET_PATH = 107

/** Every environment variable Kelvin reads. Tables of them are made from this. */
const Variables = z.object({
  PORT: z
    .string()
    .regex(/^(\d{1,15}|none)$/, 'Expected a whole number or none')
    .transform((text) => (text === 'none' ? null : Number(text)))
    .pipe(z.int().min(0).max(65_535).nullable())
    .prefault('27315')
    .describe(
      'TCP port; 0 takes a free one, `none` listens on `SOCKET_PATH` alone. 273.15 K is 0 °C.',
    ),
  HOST: z
    .string()
    .min(1)
    .prefault(LOOPBACK)
    .describe(
      'Address to listen on; `0.0.0.0` or `::` for every interface, as in the container image.',
    ),
  SOCKET_PATH: z
    .string()
    .refine((path) => Buffer.byteLength(path) <= LONGEST_SOCKET_PATH, {
      error: `Expected at most ${LONGEST_SOCKET_PATH} bytes`,
    })
    .optional()
    .describe(
      'Unix socket to listen on as well, in a directory that exists. Not set: none. A socket that nobody listens on any more is replaced.',
    ),
  SOCKET_MODE: z
    .string()
    .regex(/^0?[0-7]{3}$/, 'Expected three octal digits')
    .transform((digits) => Number.parseInt(digits, 8))
    .prefault('666')
    .describe(
      'Permissions of the socket, octal; to connect is to write. 666 leaves it to the directory who may; 660 admits owner and group.',
    ),
  SOCKET_GROUP: integer(0, 2 ** 32 - 2)
    .optional()
    .describe(
      'Group of the socket, as a number; Kelvin must be in it or be root. Not set: that of the process, or of a set-group-ID directory.',
    ),
  WORKERS: integer(1, 1024)
    .prefault('1')
    .describe(
      'Processes that share port and socket, for as many cores; one that dies is replaced. 1 is a single process, which nobody replaces.',
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
  MAX_INFLIGHT_BYTES: integer(1024, Number.MAX_SAFE_INTEGER)
    .prefault(String(128 * 2 ** 20))
    .describe(
      'Most bytes that the bodies of requests under way may take together; a request beyond is a 503 before its body is read.',
    ),
  MAX_INFLIGHT_REQUESTS: integer(1, 2 ** 20)
    .prefault('256')
    .describe('Most requests under way, as a burst may be; one more is a 503.'),
  MAX_SUSTAINED_REQUESTS: integer(1, 2 ** 20)
    .prefault('4')
    .describe(
      'Most requests under way when there has been no pause in which a burst could have ended; one more is a 503. So answers stay quick under any load.',
    ),
  MAX_EVENT_LOOP_DELAY_MS: integer(0, 60_000)
    .prefault('200')
    .describe(
      'How late the event loop may be of late, in milliseconds; then 503 while anything is under way. 0 sets no limit.',
    ),
  HEADERS_TIMEOUT_MS: integer(0, 3_600_000)
    .prefault('10000')
    .describe(
      'How long the headers of a request may take to arrive, or the first request on a connection to begin, in milliseconds; then 408. 0 waits as long as for the whole.',
    ),
  REQUEST_TIMEOUT_MS: integer(0, 3_600_000)
    .prefault('60000')
    .describe(
      'How long a request may take to arrive, in milliseconds; then 408. A client that reads nothing of its answer for twice as long is cut off. 0 waits forever.',
    ),
  KEEP_ALIVE_TIMEOUT_MS: integer(1, 3_600_000)
    .prefault('72000')
    .describe('How long a connection is kept that nothing is asked on, in milliseconds.'),
  SHUTDOWN_DELAY_MS: integer(0, 3_600_000)
    .prefault('0')
    .describe(
      'How long requests are still taken after SIGTERM, with /readyz at 503, in milliseconds: until a load balancer has noticed. A sidecar needs none.',
    ),
  SHUTDOWN_TIMEOUT_MS: integer(0, 3_600_000)
    .prefault('10000')
    .describe(
      'How long is waited for requests under way after that, in milliseconds, before they are ended.',
    ),
})

export const Config = Variables.refine(
  ({ PORT, SOCKET_PATH }) => PORT !== null || SOCKET_PATH !== undefined,
  {
    path: ['PORT'],
    error: 'Nothing to listen on; set SOCKET_PATH too',
    // Other faults are no reason to keep this one for the next attempt.
    when: ({ issues }) => !issues.some(({ path }) => path?.[0] === 'SOCKET_PATH'),
  },
)
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
