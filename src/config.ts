import * as z from 'zod'
import { expected } from './expected.ts'

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

/** Text with commas, as a list. */
const list = z.string().transform((text) =>
  text
    .split(',')
    .map((item) => item.trim())
    .filter(Boolean),
)

/** Who gets to see something. */
const access = z.enum(['public', 'key', 'off'])

/** The longest path a socket can have on Linux, in bytes: sun_path has 108, and the last is zero. */
const LONGEST_SOCKET_PATH = 107

/** Long enough not to be guessed, and in a header without quoting. */
export const ApiKey = z
  .string()
  .regex(/^[\x21-\x7e]{16,512}$/, 'Expected keys of 16 to 512 visible ASCII characters')

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
    // An IPv6 address is in brackets wherever a port may follow it, and so in many a habit.
    .transform((host) => host.replace(/^\[([^\]]*)\]$/, '$1'))
    .refine((host) => !/[/*\]]|^[^:]*:\d*$/.test(host), {
      error:
        'Expected an address or name alone, such as 127.0.0.1, ::1 or localhost; PORT has the port',
    })
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
  API_KEYS: list
    .pipe(z.array(ApiKey))
    .optional()
    .meta({ isSecret: true })
    .describe(
      'Keys of which a request must have one as `Authorization: Bearer`, with commas between them; probes need none. Not set, nor a file: none is asked for.',
    ),
  API_KEYS_FILE: z
    .string()
    .optional()
    .describe(
      'File with a key on each line, beside `API_KEYS`; read again when it changes, as a mounted secret does.',
    ),
  METRICS_ACCESS: access
    .prefault('public')
    .describe('Who may read /metrics: everybody, who has a key, or nobody (`off`).'),
  DOCS_ACCESS: access
    .prefault('public')
    .describe(
      'Who may open the playground, /docs and /openapi.json: everybody, who has a key, or nobody (`off`).',
    ),
  TLS_CERT_FILE: z
    .string()
    .optional()
    .describe(
      'Certificate chain in PEM, for HTTPS on the TCP port; read again when it changes. The Unix socket stays as it is.',
    ),
  TLS_KEY_FILE: z.string().optional().describe('Private key of the certificate, in PEM.'),
  ALLOWED_HOSTS: list
    .pipe(
      z.array(
        z.string().regex(/^(?:\*|\[[\da-f:.]+\]|[\w.-]+)$/i, {
          error:
            'Expected host names without scheme and port, such as kelvin.example or [::1], or * for any',
        }),
      ),
    )
    .optional()
    .describe(
      'Host names, without ports, that requests without a key may have as `Host`, with commas between them; `*` for any. Others are a 403, except probes and requests over the Unix socket: so no web page reaches Kelvin through a name of its own (DNS rebinding). Behind a proxy, the names that the proxy passes on. Not set: where `HOST` is a loopback address, `localhost`, `*.localhost`, 127.0.0.0/8 and `[::1]`; elsewhere any.',
    ),
  CORS_ORIGINS: list
    .optional()
    .describe(
      'Origins of web pages that may send requests, with commas between them; `*` for any. Without keys, POSTs from other origins are a 403. Not set: none except Kelvin’s own pages; behind a proxy that changes `Host`, add the origin that browsers see.',
    ),
  OTEL_EXPORTER_OTLP_ENDPOINT: z
    .url({ protocol: /^https?$/, error: 'Expected an http or https URL' })
    .optional()
    .describe(
      'Where OpenTelemetry spans are sent, as OTLP over HTTP; to `/v1/traces` there. Not set: none are made.',
    ),
  OTEL_SERVICE_NAME: z.string().min(1).prefault('kelvin').describe('`service.name` of the spans.'),
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
  MAX_WORK: integer(1, Number.MAX_SAFE_INTEGER)
    .prefault('4000000000')
    .describe(
      'Most steps that sampling the rows of a request may take, as estimated before it begins; more are a 422. A step takes about a nanosecond.',
    ),
  MAX_INFLIGHT_BYTES: integer(1024, Number.MAX_SAFE_INTEGER)
    .prefault(String(64 * 2 ** 20))
    .describe(
      'Most bytes that requests under way may take together, for what has come of their bodies and what is not read of their answers. Beyond it requests wait, and are refused with 503 where they cannot.',
    ),
  MAX_QUEUE_MS: integer(0, 3_600_000)
    .prefault('1000')
    .describe(
      'Longest expected wait of a request, in milliseconds: the work ahead of it. One that would wait longer is refused at once, with 503; so is one that has waited twice as long when its turn comes.',
    ),
  MAX_QUEUE: integer(0, 2 ** 20)
    .prefault('1024')
    .describe('Most requests that wait; one more is refused at once, with 503.'),
  HEADERS_TIMEOUT_MS: integer(1, 3_600_000)
    .prefault('10000')
    .describe(
      'How long the headers of a request may take to arrive, the first request on a connection to begin, or a TLS handshake to end, in milliseconds; then the connection ends, with 408 where there is a request.',
    ),
  REQUEST_TIMEOUT_MS: integer(0, 3_600_000)
    .prefault('60000')
    .describe(
      'How long a body may take to arrive once it is read, in milliseconds; then 408. 0 sets no limit.',
    ),
  MIN_BODY_RATE: integer(0, 2 ** 30)
    .prefault('1024')
    .describe(
      'Least rate at which a body must arrive, in bytes a second, over any `BODY_GRACE_MS`; slower is a 408. 0 sets no limit.',
    ),
  BODY_GRACE_MS: integer(1, 3_600_000)
    .prefault('5000')
    .describe('The time over which `MIN_BODY_RATE` is measured, in milliseconds.'),
  READ_TIMEOUT_MS: integer(0, 3_600_000)
    .prefault('10000')
    .describe(
      'How long a client may read nothing of its answer, in milliseconds; then its connection is cut off. 0 sets no limit.',
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

const isUnfaulted = (name: string) => ({
  when: ({ issues }: z.core.ParsePayload) => !issues.some(({ path }) => path?.[0] === name),
})

export const Config = Variables.refine(
  ({ PORT, SOCKET_PATH }) => PORT !== null || SOCKET_PATH !== undefined,
  {
    path: ['PORT'],
    error: 'Nothing to listen on; set SOCKET_PATH too',
    // Other faults are no reason to keep this one for the next attempt.
    ...isUnfaulted('SOCKET_PATH'),
  },
)
  .refine(({ PORT, TLS_CERT_FILE }) => PORT !== null || !TLS_CERT_FILE, {
    path: ['TLS_CERT_FILE'],
    error: 'There is no TCP port that it could be for',
    ...isUnfaulted('PORT'),
  })
  .refine(({ TLS_CERT_FILE, TLS_KEY_FILE }) => !TLS_CERT_FILE === !TLS_KEY_FILE, {
    path: ['TLS_KEY_FILE'],
    error: 'Certificate and key come together; set TLS_CERT_FILE and TLS_KEY_FILE',
    ...isUnfaulted('TLS_KEY_FILE'),
  })
export type Config = Readonly<z.output<typeof Config>>

/** Faults of the environment, all of them, one a line. */
export class ConfigError extends Error {}

export function loadConfig(environment: Record<string, string | undefined>): Config {
  // A variable set to nothing, as compose files do, counts as not set.
  const given = Object.entries(environment).filter(([, value]) => value !== '')
  const result = Config.safeParse(Object.fromEntries(given), { error: expected })
  if (result.success) return Object.freeze(result.data)
  throw new ConfigError(
    result.error.issues
      .map(
        (issue) =>
          `${issue.path[0] as string}=${shown(String(issue.path[0]), environment)}: ${issue.message}`,
      )
      .join('\n'),
  )
}

/** What a variable is set to, but for those that nobody should read. */
function shown(name: string, environment: Record<string, string | undefined>): string {
  const schema = Variables.shape[name as keyof typeof Variables.shape]
  return schema.meta()?.isSecret ? '…' : String(environment[name])
}

/** Each variable with its default and meaning, for the documents and --help. */
export function describeConfig() {
  const { properties = {} } = z.toJSONSchema(Config, { io: 'input' })
  return Object.entries(properties).map(([name, property]) => {
    const {
      default: fallback,
      description,
      isSecret,
    } = property as {
      default?: string
      description?: string
      isSecret?: boolean
    }
    return {
      name,
      fallback: fallback ?? '',
      description: description ?? '',
      isSecret: isSecret === true,
    }
  })
}

type Variable = ReturnType<typeof describeConfig>[number]

/** Variables as --help has them, each under what it is called there. */
export function explain(variables: readonly Variable[], nameOf: (name: string) => string): string {
  return variables
    .map(
      ({ name, fallback, description }) =>
        `  ${nameOf(name)} (${fallback || 'not set'})\n      ${description}\n`,
    )
    .join('')
}
