import fc from 'fast-check'

/** Heads of requests: valid, invalid, and such that have deceived servers. */

const methods = [
  ...['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'HEAD', 'OPTIONS', 'TRACE', 'CONNECT', 'QUERY'],
  ...['PROPFIND', 'LOCK', 'M-SEARCH', 'PRI', 'get', 'G\0T', 'POSTPOST', 'A'.repeat(300), ''],
]

const versions = [' HTTP/1.1', ' HTTP/1.1', ' HTTP/1.1', ' HTTP/1.0', ' HTTP/2.0', ' http/1.1', '']

const paths = [
  ...['/', '*', '/livez', '/v1/sample', '/v1/probabilities', '/v1/samplers', '/v2', '/v2/'],
  ...['/v2/models/sample/infer', '/v2/models/sample/versions/1/infer', '/v2/models/x/infer'],
  ...[
    '/docs',
    '/docs/',
    '/docs/json',
    '/docs/static/index.html',
    '/playground/main.js',
    '/nowhere',
  ],
  ...['/../../etc/passwd', '/docs/static/../../../package.json', '/%2e%2e/%2e%2e/etc/passwd'],
  ...[
    '/docs/static/%2e%2e%2f%2e%2e%2fpackage.json',
    '/playground/..%5c..%5cserver.ts',
    '//',
    '/./',
  ],
  ...[
    'http://kelvin/livez',
    'http://kelvin/nowhere',
    'https://x:y@kelvin/',
    'kelvin:80',
    '//kelvin',
  ],
  ...['/:a', '/:a(b', '/:a(b)', '/(', '/*', '/a*b', '/v1/:x/*', '/::', '/?', '/#x', '/;a', '/%'],
  ...['/%zz', '/%c0%ae', '/%00', '/\xff\xfe', `/${'a'.repeat(5000)}`, `/${'a/'.repeat(2000)}`, ''],
  ...[
    '/v1/sample?',
    '/v1/sample?&&',
    '/v1/sample?=',
    '/v1/sample?a[b]=1',
    '/__proto__',
    '/toString',
  ],
]

/** Characters that are special to routers. */
const unusual = fc
  .string({ unit: fc.constantFrom(...'/:(*)?%#.;=&a2\\|+^$[]{}~'), maxLength: 12 })
  .map((text) => `/${text}`)

export const target = fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...paths) }, unusual)

const BODY = '{"logits":[1,2,3],"seed":1}'

const chunked = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n0\r\n\r\n`

/** Headers about a body, and bodies that may not match them. */
const bodies: readonly (readonly [headers: string, body: string])[] = [
  ['', ''],
  ['', BODY],
  [`Content-Length: ${BODY.length}\r\n`, BODY],
  [`Content-Length: ${BODY.length - 4}\r\n`, BODY],
  [`Content-Length: ${BODY.length + 4}\r\n`, BODY],
  ['Content-Length: 0\r\n', ''],
  ['Content-Length: -1\r\n', BODY],
  ['Content-Length: +5\r\n', BODY],
  ['Content-Length: 5, 5\r\n', BODY],
  ['Content-Length: 99999999999999999999\r\n', BODY],
  ['Content-Length: 4503599627370496\r\n', BODY],
  ['Content-Length: 5\r\nContent-Length: 6\r\n', BODY],
  ['Content-Length: 0x10\r\n', BODY],
  ['Transfer-Encoding: chunked\r\n', chunked(BODY)],
  ['Transfer-Encoding: chunked\r\n', `1b;a=b;c="\\""\r\n${BODY}\r\n0\r\nX-Trailer: 1\r\n\r\n`],
  ['Transfer-Encoding: chunked\r\n', `zz\r\n${BODY}\r\n0\r\n\r\n`],
  ['Transfer-Encoding: chunked\r\n', `ffffffffffffffffff\r\n${BODY}\r\n0\r\n\r\n`],
  ['Transfer-Encoding: chunked\r\n', `5\r\n${BODY}\r\n0\r\n\r\n`],
  ['Transfer-Encoding: chunked\r\n', `-1\r\n${BODY}\r\n0\r\n\r\n`],
  ['Transfer-Encoding: chunked\r\n', `1b\n${BODY}\n0\n\n`],
  ['Transfer-Encoding: chunked\r\n', `1b;${'x'.repeat(20_000)}\r\n${BODY}\r\n0\r\n\r\n`],
  ['Transfer-Encoding: chunked\r\n', `1b\r\n${BODY}\r\n0\r\n${'X: y\r\n'.repeat(3000)}\r\n`],
  ['Transfer-Encoding: chunked\r\n', `${BODY.replaceAll(/./g, '1\r\n$&\r\n')}0\r\n\r\n`],
  ['Transfer-Encoding: gzip, chunked\r\n', chunked(BODY)],
  ['Transfer-Encoding: chunked, gzip\r\n', chunked(BODY)],
  ['Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n', chunked(BODY)],
  ['Transfer-Encoding: identity\r\n', BODY],
  ['Transfer-Encoding: chunked\r\nContent-Length: 5\r\n', chunked(BODY)],
  ['Content-Length: 5\r\nTransfer-Encoding: chunked\r\n', chunked(BODY)],
  ['Transfer-Encoding : chunked\r\n', chunked(BODY)],
  ['Transfer-Encoding:\tchunked\r\n', chunked(BODY)],
]

const header = fc.constantFrom(
  ...['Content-Type: application/json', 'Content-Type: application/octet-stream', 'Content-Type:'],
  ...['Content-Type: application/json; charset="', 'Content-Type: ;', 'Content-Type: a/b'],
  ...['Content-Type: application/jsonx', 'content-type: APPLICATION/JSON;x', 'Content-Type: */*'],
  ...[
    'Expect: 100-continue',
    'Expect: 200-ok',
    'Upgrade: h2c\r\nConnection: Upgrade',
    'Upgrade: x',
  ],
  ...['Connection: close', 'Connection: keep-alive', 'Connection: x, y', 'Keep-Alive: timeout=0'],
  ...['Accept: application/octet-stream', 'Accept: text/html;q=0', 'Accept: ;;,,q=', 'Accept: */*'],
  ...['Content-Encoding: gzip', 'Content-Encoding: deflate, gzip', 'Content-Encoding: __proto__'],
  ...['Accept-Encoding: gzip', 'Accept-Encoding: br;q=9', 'Accept-Encoding: constructor'],
  ...['Inference-Header-Content-Length: 0', 'Inference-Header-Content-Length: 9999999'],
  ...['Inference-Header-Content-Length: 1, 2', 'X-Request-Id: a\x7fb', 'If-None-Match: *', ': x'],
  ...[
    'X: a\0b',
    'X: a\rb',
    'X: a\nb',
    'X y: z',
    'X\0: y',
    ' folded: x',
    'X',
    '\xff: \xff',
    'Host: b',
    'TE: gzip, chunked',
  ],
  ...['__proto__: x', 'constructor: y', 'Range: bytes=0-1', 'Cookie: a=b', 'Content-Type: \xe9/x'],
  ...[`X: ${'y'.repeat(20_000)}`, `${'x'.repeat(20_000)}: y`, `${'a: b\r\n'.repeat(1200)}a: b`],
)

const host = fc.constantFrom(
  'Host: kelvin\r\n',
  'Host: kelvin\r\n',
  'Host: kelvin\r\n',
  'Host:\r\n',
  'Host: a, b\r\n',
  '',
)

export const head = fc
  .tuple(
    fc.constantFrom(...methods, 'POST', 'POST', 'POST', 'GET', 'GET'),
    target,
    fc.constantFrom(...versions),
    host,
    fc.array(header, { maxLength: 3 }),
    fc.constantFrom(...bodies),
  )
  .map(([method, path, version, name, headers, [about, body]]) => {
    const lines = headers.map((line) => `${line}\r\n`).join('')
    const text = `${method} ${path}${version}\r\n${name}${lines}${about}\r\n${body}`
    return Buffer.from(text, 'latin1')
  })
