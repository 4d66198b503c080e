// What the page is given types of, out of the service's own definitions: every schema of the application, and every operation of it and of the two of
// OGC API that the page asks, as what it is asked with and what it answers.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

const read = name => JSON.parse(readFileSync(new URL(`../../src/api/openapi/${name}.json`, import.meta.url), "utf8"));
const OF_OGC = ["/collections/{collectionId}/items", "/collections/{collectionId}/tiles/{tileMatrixSetId}/{tileMatrix}/{tileRow}/{tileCol}"];

/** Items of different kinds, in turn: what OpenAPI 3.0 has no word for. */
const inTurn = (_, value) => value?.["x-items"] === undefined ? value : { type: "array", prefixItems: value["x-items"], items: false, ...value.nullable ? { nullable: true } : {} };
const object = (properties, required = Object.keys(properties)) => ({ type: "object", properties, required, additionalProperties: false });
const FILE = { type: "string", format: "binary" };

function operation({ parameters = [], requestBody, responses }) {
  const parts = {};
  for (const place of ["path", "query"]) {
    const own = parameters.filter(p => p.in === place);
    if (own.length > 0) parts[place] = object(Object.fromEntries(own.map(p => [p.name, p.schema])), own.filter(p => p.required).map(p => p.name));
  }
  const json = content => Object.entries(content ?? {}).find(([kind]) => kind.endsWith("json"))?.[1].schema;
  const isFile = content => Object.values(content ?? {}).some(c => c.schema.format === "binary");
  if (requestBody !== undefined) parts.body = isFile(requestBody.content) ? FILE : json(requestBody.content);
  const good = Object.entries(responses).filter(([status]) => status.startsWith("2")).map(([, r]) => r.content);
  const answer = good.map(json).find(s => s !== undefined) ?? (good.some(c => c !== undefined) ? FILE : undefined);
  if (answer !== undefined) parts.answer = answer;
  return object(parts);
}

const schemas = {}, paths = {};
function take(document, of, prefix, name) {
  const named = part => JSON.parse(JSON.stringify(part).replaceAll("#/components/schemas/", `#/components/schemas/${name}`));
  for (const [path, operations] of Object.entries(document.paths))
    if (of(path)) paths[prefix + path] = object(Object.fromEntries(Object.entries(operations).filter(([method]) => of !== isOfOgc || method === "get").map(([method, one]) => [method, named(operation(one))])));
  for (const [is, schema] of Object.entries(document.components.schemas)) schemas[name + is] = named(schema);
}
const isOfOgc = path => OF_OGC.includes(path);
take(read("application"), () => true, "/api", "");
take(read("ogc"), isOfOgc, "/ogc", "Ogc");
// what none of the two operations answers
for (const name of Object.keys(schemas)) if (/^Ogc(Links|Collection|NewFeature|FeaturePatch|Problem)$/.test(name)) delete schemas[name];

export const document = { openapi: "3.1.0", info: { title: "", version: "" }, paths: {}, components: { schemas: JSON.parse(JSON.stringify({ ...schemas, paths: object(paths) }), inTurn) } };
export const digest = createHash("sha256").update(JSON.stringify(document)).digest("hex");
