import * as z from 'zod'
import { expected } from './expected.ts'

const LOOPBACK = 'localhost'

/** Longest string in V8, which limits the length of JSON. */
const LONGEST_TEXT = 2 ** 29 - 24

function integer(min: number, max: number) {
  return z
    .string()
    .regex(/^\d{1,15}$/, 'Expected a whole number')
    .transform(Number)
    .pipe(z.int().min(min).max(max))
}

/** A list, from text with commas. */
const list = z.string().transform((text) =>
  text
    .split(',')
    .map((item) => item.trim())
    .filter(Boolean),
)

/** Who may read a route. */
const access = z.enum(['public', 'key', 'off'])

/** Longest path of a socket on Linux, in bytes: `sun_path` has 108 bytes, and the last one is zero. */
const LONGEST_SOCKET_PATH = 107

/** An API key: too long to guess, and of characters that a header can contain. */
export const ApiKey = z
  .string()
  .regex(/^[\x21-\x7e]{16,512}$/, 'Expected keys of 16 to 512 visible ASCII characters')

/** Every environment variable that Kelvin reads. `--help` and docs/configuration.md are made from this. */
const Variables = z.object({
  PORT: z
    .string()
    .regex(/^(\d{1,15}|none)$/, 'Expected a whole number or none')
    .transform((text) => (text === 'none' ? null : Number(text)))
    .pipe(z.int().min(0).max(65_535).nullable())
    .prefault('27315')
    .describe(
      'TCP port. 0 takes a free port; `none` listens on `SOCKET_PATH` alone. The default stands for 273.15 K, which is 0 °C.',
    ),
  HOST: z
    .string()
    .min(1)
    // Accept an IPv6 address in brackets, as in a URL.
    .transform((host) => host.replace(/^\[([^\]]*)\]$/, '$1'))
    .refine((host) => !/[/*\]]|^[^:]*:\d*$/.test(host), {
      error:
        'Expected an address or name without a port, such as 127.0.0.1, ::1 or localhost; the port goes into PORT',
    })
    .prefault(LOOPBACK)
    .describe(
      'Address to listen on. `0.0.0.0` or `::` is every interface; the container image sets `0.0.0.0`.',
    ),
  SOCKET_PATH: z
    .string()
    .refine((path) => Buffer.byteLength(path) <= LONGEST_SOCKET_PATH, {
      error: `Expected at most ${LONGEST_SOCKET_PATH} bytes`,
    })
    .optional()
    .describe(
      'Unix socket to listen on as well. Its directory must exist. Kelvin replaces a socket on which no process listens. Not set: no socket.',
    ),
  SOCKET_MODE: z
    .string()
    .regex(/^0?[0-7]{3}$/, 'Expected three octal digits')
    .transform((digits) => Number.parseInt(digits, 8))
    .prefault('666')
    .describe(
      'Permissions of the socket, in octal. A client must be able to write to it. With 666, the permissions of the directory decide who can connect; 660 admits owner and group.',
    ),
  SOCKET_GROUP: integer(0, 2 ** 32 - 2)
    .optional()
    .describe(
      'Group of the socket, as a number. Kelvin must be in the group or run as root. Not set: the group of the process, or of a set-group-ID directory.',
    ),
  WORKERS: integer(1, 1024)
    .prefault('1')
    .describe(
      'Number of processes that share port and socket. Each uses one core. From 2 on, Kelvin replaces a process that dies.',
    ),
  API_KEYS: list
    .pipe(z.array(ApiKey))
    .optional()
    .meta({ isSecret: true })
    .describe(
      'Accepted API keys, separated by commas, each of 16 to 512 visible ASCII characters. A request needs one of them as `Authorization: Bearer`. Probes need no key, and neither do the pages that `METRICS_ACCESS` and `DOCS_ACCESS` make public. If neither this nor `API_KEYS_FILE` is set, no request needs a key.',
    ),
  API_KEYS_FILE: z
    .string()
    .optional()
    .describe(
      'File with one accepted key on each line, in addition to `API_KEYS`. Kelvin reads it again when it changes.',
    ),
  METRICS_ACCESS: access
    .prefault('public')
    .describe(
      'Who may read /metrics: everybody (`public`), clients with a key (`key`), or nobody (`off`).',
    ),
  DOCS_ACCESS: access
    .prefault('public')
    .describe(
      'Who may open the playground, /docs and /openapi.json: everybody (`public`), clients with a key (`key`), or nobody (`off`).',
    ),
  TLS_CERT_FILE: z
    .string()
    .optional()
    .describe(
      'Certificate chain in PEM. If it is set, the TCP port serves HTTPS; the Unix socket does not. Kelvin reads it again when it changes.',
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
      'Host names that a request may have as `Host` if no keys are set, without ports, separated by commas; `*` allows any. Another `Host` is a 403, except for probes and on the Unix socket. This stops web pages that reach Kelvin through a name of their own (DNS rebinding). Behind a proxy, list the names that the proxy passes on. Not set: if `HOST` is a loopback address, `localhost`, `*.localhost`, 127.0.0.0/8 and `[::1]`; otherwise any.',
    ),
  CORS_ORIGINS: list
    .optional()
    .describe(
      'Origins of web pages that may send requests, separated by commas; `*` allows any. If no keys are set, a POST from another origin is a 403. Behind a proxy that changes `Host`, add the origin that browsers see. Not set: only Kelvin’s own pages.',
    ),
  OTEL_EXPORTER_OTLP_ENDPOINT: z
    .url({ protocol: /^https?$/, error: 'Expected an http or https URL' })
    .optional()
    .describe(
      'Base URL of a collector of OpenTelemetry spans. Kelvin sends spans to `/v1/traces` there, as OTLP over HTTP. Not set: Kelvin makes no spans.',
    ),
  OTEL_SERVICE_NAME: z.string().min(1).prefault('kelvin').describe('`service.name` of the spans.'),
  LOG_LEVEL: z
    .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
    .prefault('info')
    .describe('Lowest level to log. `info` has one line for each request.'),
  MAX_BODY_BYTES: integer(1024, LONGEST_TEXT)
    .prefault(String(64 * 2 ** 20))
    .describe(
      'Largest request body, in bytes. A larger one is a 413. Tensors in shared memory count too.',
    ),
  SHARED_MEMORY_DIR: z
    .string()
    .startsWith('/', 'Expected an absolute path')
    .optional()
    .describe(
      'Directory of the files through which clients share memory, such as `/dev/shm`. Every client that may send requests can use every file in it that Kelvin can open. Not set: Kelvin refuses shared memory.',
    ),
  MAX_SHARED_MEMORY_REGIONS: integer(1, 2 ** 16)
    .prefault('1024')
    .describe('Largest number of shared-memory regions that clients of /v2 may register together.'),
  MAX_VOCAB_SIZE: integer(1, 2 ** 24)
    .prefault(String(2 ** 20))
    .describe('Largest number of entries in a row of logits. More are a 422.'),
  MAX_ROWS: integer(1, 2 ** 16)
    .prefault('4096')
    .describe('Largest number of rows in a batch. More are a 422.'),
  MAX_WORK: integer(1, Number.MAX_SAFE_INTEGER)
    .prefault('4000000000')
    .describe(
      'Largest amount of work for the rows of a request, in steps of about a nanosecond, estimated before sampling begins. More is a 422.',
    ),
  MAX_INFLIGHT_BYTES: integer(1024, Number.MAX_SAFE_INTEGER)
    .prefault(String(64 * 2 ** 20))
    .describe(
      'Largest number of bytes that requests under way may take together, for bodies received and answers not yet read. Further requests wait. A request whose client is too slow for the bytes that it holds gets a 503.',
    ),
  MAX_QUEUE_MS: integer(0, 3_600_000)
    .prefault('1000')
    .describe(
      'Longest expected wait of a request, in milliseconds: the time that the work ahead of it takes. If a request would wait longer, Kelvin refuses it at once, with 503. It also refuses a request that has waited twice this time when its turn comes.',
    ),
  MAX_QUEUE: integer(0, 2 ** 20)
    .prefault('1024')
    .describe('Largest number of requests that wait. One more is refused at once with 503.'),
  HEADERS_TIMEOUT_MS: integer(1, 3_600_000)
    .prefault('10000')
    .describe(
      'Time limit, in milliseconds, for the headers of a request, for the first request on a connection to begin, and for a TLS handshake. Then the connection ends, with 408 if a request has begun.',
    ),
  REQUEST_TIMEOUT_MS: integer(0, 3_600_000)
    .prefault('60000')
    .describe(
      'Time limit for a body, in milliseconds from when Kelvin begins to read it. Then 408. 0 sets no limit.',
    ),
  MIN_BODY_RATE: integer(0, 2 ** 30)
    .prefault('1024')
    .describe(
      'Lowest rate of a body, in bytes a second, measured over `BODY_GRACE_MS`. A slower one is a 408. 0 sets no limit.',
    ),
  BODY_GRACE_MS: integer(1, 3_600_000)
    .prefault('5000')
    .describe('Time over which `MIN_BODY_RATE` is measured, in milliseconds.'),
  READ_TIMEOUT_MS: integer(0, 3_600_000)
    .prefault('10000')
    .describe(
      'How long a client may read nothing of its answer, in milliseconds. Then Kelvin ends the connection. 0 sets no limit.',
    ),
  KEEP_ALIVE_TIMEOUT_MS: integer(1, 3_600_000)
    .prefault('72000')
    .describe('How long Kelvin keeps an idle connection, in milliseconds.'),
  SHUTDOWN_DELAY_MS: integer(0, 3_600_000)
    .prefault('0')
    .describe(
      'Time for which Kelvin still takes requests after SIGTERM, in milliseconds. Meanwhile /readyz answers 503, so that a load balancer can notice. A sidecar needs no delay.',
    ),
  SHUTDOWN_TIMEOUT_MS: integer(0, 3_600_000)
    .prefault('10000')
    .describe(
      'How long Kelvin waits for requests under way after `SHUTDOWN_DELAY_MS`, in milliseconds, before it ends them.',
    ),
})

const isUnfaulted = (name: string) => ({
  when: ({ issues }: z.core.ParsePayload) => !issues.some(({ path }) => path?.[0] === name),
})

export const Config = Variables.refine(
  ({ PORT, SOCKET_PATH }) => PORT !== null || SOCKET_PATH !== undefined,
  {
    path: ['PORT'],
    error: 'There is no port and no socket to listen on; set SOCKET_PATH too',
    // Report it together with the faults of other variables.
    ...isUnfaulted('SOCKET_PATH'),
  },
)
  .refine(({ PORT, TLS_CERT_FILE }) => PORT !== null || !TLS_CERT_FILE, {
    path: ['TLS_CERT_FILE'],
    error: 'A certificate needs a TCP port; set PORT, or omit TLS_CERT_FILE',
    ...isUnfaulted('PORT'),
  })
  .refine(({ TLS_CERT_FILE, TLS_KEY_FILE }) => !TLS_CERT_FILE === !TLS_KEY_FILE, {
    path: ['TLS_KEY_FILE'],
    error: 'HTTPS needs a certificate and a key; set both TLS_CERT_FILE and TLS_KEY_FILE',
    ...isUnfaulted('TLS_KEY_FILE'),
  })
export type Config = Readonly<z.output<typeof Config>>

/** All errors of the configuration, one on each line. */
export class ConfigError extends Error {}

export function loadConfig(environment: Record<string, string | undefined>): Config {
  // An empty variable counts as not set, because compose files cannot unset one.
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

/** The value of a variable, hidden if it is secret. */
function shown(name: string, environment: Record<string, string | undefined>): string {
  const schema = Variables.shape[name as keyof typeof Variables.shape]
  return schema.meta()?.isSecret ? '…' : String(environment[name])
}

/** Each variable with its default and meaning, for docs/configuration.md and `--help`. */
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

/** The variables as text for `--help`, each under the name that `nameOf` returns. */
export function explain(variables: readonly Variable[], nameOf: (name: string) => string): string {
  return variables
    .map(
      ({ name, fallback, description }) =>
        `  ${nameOf(name)} (${fallback || 'not set'})\n      ${description}\n`,
    )
    .join('')
}
