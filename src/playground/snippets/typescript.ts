import { lines } from './json.ts'
import { KEY_VARIABLE, type Language, LOGITS_FILE, settingsOf } from './snippet.ts'

/** A program with the typed client. */
export const typescript: Language = {
  name: 'TypeScript',
  file: 'sample.mts',
  write(call) {
    const { origin, logits, hasKeys } = call
    const fromFile = logits === undefined
    const key = hasKeys ? `, { apiKey: process.env.${KEY_VARIABLE}! }` : ''
    const settings = lines(settingsOf(call), '  ').map((line) => `${line},\n`)
    return [
      fromFile ? "import { readFileSync } from 'node:fs'\n" : '',
      "import { Kelvin } from 'kelvin-client'\n\n",
      fromFile
        ? `const logits = new Float32Array(new Uint8Array(readFileSync('${LOGITS_FILE}')).buffer)\n`
        : `const logits = ${logits.replaceAll('"-Infinity"', '-Infinity')}\n`,
      `const kelvin = new Kelvin('${origin}'${key})\n`,
      `const { token_ids, kept_count, entropy } = await kelvin.sample(logits, {\n${settings.join('')}})\n`,
      'console.log(token_ids, kept_count, entropy)\n',
      'await kelvin.close()\n',
    ].join('')
  },
}
