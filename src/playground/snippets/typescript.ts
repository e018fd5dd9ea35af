import { lines, object } from './json.ts'
import { type Language, LOGITS_FILE } from './snippet.ts'

export const typescript: Language = {
  name: 'TypeScript',
  file: 'sample.mts',
  write({ origin, fields, logits, vocabSize }) {
    const fromFile = logits === undefined
    const tensor = `{ dtype: 'float32', shape: [${vocabSize}], data }`
    const request = object([`  "logits": ${fromFile ? tensor : logits}`, ...lines(fields, '  ')])
    return [
      fromFile ? "import { readFile } from 'node:fs/promises'\n\n" : '',
      fromFile ? `const data = await readFile('${LOGITS_FILE}', 'base64')\n` : '',
      `const request = ${request}\n`,
      `const response = await fetch('${origin}/v1/sample', {\n  method: 'POST',\n`,
      "  headers: { 'content-type': 'application/json' },\n  body: JSON.stringify(request),\n})\n",
      'if (!response.ok) throw new Error(await response.text())\n',
      'const { results } = await response.json()\n',
      'const { token_ids, kept_count, entropy } = results[0]\n',
      'console.log(token_ids, kept_count, entropy)\n',
    ].join('')
  },
}
