/** The bytes of JSON's grammar. */

export const SPACE = 0x20
export const [QUOTE, BACKSLASH, COMMA, MINUS, COLON] = [0x22, 0x5c, 0x2c, 0x2d, 0x3a]
export const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d]

const [TAB, LINE_FEED, RETURN] = [0x09, 0x0a, 0x0d]

export const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/

export const literals: ReadonlyMap<string, unknown> = new Map([
  ['true', true],
  ['false', false],
  ['null', null],
])

export const isSpace = (byte: number) =>
  byte === SPACE || byte === LINE_FEED || byte === RETURN || byte === TAB
export const isDigit = (byte: number) => byte >= 0x30 && byte <= 0x39
export const isLetter = (byte: number) => (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7a
/** Whether a number may contain the byte. */
export const isNumeric = (byte: number) =>
  isDigit(byte) || byte === MINUS || byte === 0x2b || byte === 0x2e || (byte | 0x20) === 0x65
/** Whether a byte of a string is a character by itself: ASCII, and no quote, backslash or control character. */
export const isPlain = (byte: number) =>
  byte >= SPACE && byte < 0x80 && byte !== QUOTE && byte !== BACKSLASH
