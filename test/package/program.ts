import { Kelvin, KelvinError } from 'kelvin-client'

/** A program of a user of the package. It is compiled, then run by each Node. */

declare const process: { argv: string[]; version: string }
declare const console: { log(text: string): void }

const kelvin = new Kelvin(process.argv[2])
const logits = Float32Array.of(2, 1, 0.5, -1, -3)
const { token_ids, probabilities } = await kelvin.sample(logits, {
  temperature: 0.8,
  seed: 42n,
  n: 3,
})
const story: number[] = []
for await (const { token_id } of kelvin.decode(() => logits, { seed: 1 }, { maxTokens: 4 })) {
  story.push(token_id)
}
const failed = await kelvin.sample([1, Number.NaN]).catch((error: unknown) => error)
const problem = failed instanceof KelvinError ? failed.problem?.code : undefined
console.log(process.version)
console.log(JSON.stringify({ sampled: token_ids, length: probabilities?.length, story, problem }))
await kelvin.close()
