import { expect, it } from 'vitest'
import { warmUp } from '../../src/process/warm-up.ts'
import { testApp } from '../app.ts'

it('answers requests of its own, but not while a client has one under way', async () => {
  const app = await testApp()
  const answers = app.warmUps.map((answer) => JSON.parse(answer()))
  expect(answers.length).toBeGreaterThan(2)
  for (const { results } of answers) expect(results).toHaveLength(1)

  let count = 0
  const { admission } = app
  const warmUps = [() => String(count++)]
  const ticket = admission.enter('json', 100)
  await admission.whenAdmitted(ticket)
  const done = warmUp({ admission, warmUps })
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect(count).toBe(0)
  admission.leave(ticket, Error)
  await done
  expect(count).toBeGreaterThan(0)
})
