/* Crops the Caspian out of world-atlas into portal/catalogue/facts/caspian.json. Run at development time only:
 * node scripts/crop_coastline.mjs */
import { createRequire } from "node:module";
import { writeFileSync } from "node:fs";
import { geoContains, geoBounds } from "d3-geo";
import { feature, mesh } from "topojson-client";

const TARGET = "portal/catalogue/facts/caspian.json";
const BOUNDS = { west: 42, south: 34.5, east: 58, north: 50.5 };
const MIDDLE_OF_THE_SEA = [51, 42];
const TOLERANCE = 0.008; // degrees of latitude, about 900 m: less than a pixel of the drawn map

const require = createRequire(import.meta.url);
const { version } = require("world-atlas/package.json");
const land = require("world-atlas/land-10m.json");
const countries = require("world-atlas/countries-10m.json");

/** Douglas and Peucker, with degrees of longitude shrunk as they are at 42° N. */
function simplified(line, tolerance = TOLERANCE) {
  if (line.length < 3) return line;
  const [first, last] = [line[0], line.at(-1)];
  let farthest = 0;
  let distance = 0;
  for (let i = 1; i < line.length - 1; i += 1) {
    const away = distanceToSegment(line[i], first, last);
    if (away > distance) [farthest, distance] = [i, away];
  }
  if (distance <= tolerance) return [first, last];
  return [...simplified(line.slice(0, farthest + 1), tolerance).slice(0, -1), ...simplified(line.slice(farthest), tolerance)];
}

function distanceToSegment(point, from, to) {
  const shrink = Math.cos((42 * Math.PI) / 180);
  const [px, py, ax, ay, bx, by] = [point[0] * shrink, point[1], from[0] * shrink, from[1], to[0] * shrink, to[1]];
  const squared = (bx - ax) ** 2 + (by - ay) ** 2;
  const share = squared ? Math.max(0, Math.min(1, ((px - ax) * (bx - ax) + (py - ay) * (by - ay)) / squared)) : 0;
  return Math.hypot(px - ax - share * (bx - ax), py - ay - share * (by - ay));
}

/** A closed ring is simplified in two halves: its ends would else be one point. */
function simplifiedRing(ring) {
  const half = Math.floor(ring.length / 2);
  return [...simplified(ring.slice(0, half + 1)).slice(0, -1), ...simplified(ring.slice(half))];
}

const rounded = (line) => line.map(([lon, lat]) => [Number(lon.toFixed(3)), Number(lat.toFixed(3))]);
const inside = ([lon, lat]) => lon > BOUNDS.west && lon < BOUNDS.east && lat > BOUNDS.south && lat < BOUNDS.north;

/** The parts of a line within the bounds, each with one point beyond so that it reaches the edge. */
function cropped(line) {
  const parts = [];
  let part = [];
  line.forEach((point, i) => {
    const near = inside(point) || (i > 0 && inside(line[i - 1])) || (i < line.length - 1 && inside(line[i + 1]));
    if (near) part.push(point);
    else if (part.length) parts.push(part.splice(0));
  });
  return part.length > 1 ? [...parts, part] : parts;
}

const polygons = feature(land, land.objects.land).features.flatMap(({ geometry }) =>
  geometry.type === "Polygon" ? [geometry.coordinates] : geometry.coordinates,
);

// In this data the sea is a hole in Eurasia; turned round, the hole is the polygon of the sea.
const isSea = (ring) => geoContains({ type: "Polygon", coordinates: [ring.toReversed()] }, MIDDLE_OF_THE_SEA);
const holes = polygons.flatMap((rings) => rings.slice(1)).filter((ring) => ring.some(inside));
const sea = holes.find(isSea);
const shore = { type: "Polygon", coordinates: [sea.toReversed()] };
const [[west, south], [east, north]] = geoBounds(shore);
const islands = polygons
  .map((rings) => rings[0])
  .filter((ring) => ring.every(([lon, lat]) => lon > west && lon < east && lat > south && lat < north))
  .filter((ring) => geoContains(shore, ring[0]));
const borders = mesh(countries, countries.objects.countries, (one, other) => one !== other).coordinates.flatMap(cropped);

// World-atlas has no rivers. These lines were drawn by hand from the towns on the Volga and the published end of the
// Volga-Caspian canal; they show the way, not the bends.
const rivers = [
  {
    name: "Volga and Volga-Caspian canal",
    schematic: true,
    line: [
      [44.52, 48.71], [44.62, 48.53], [44.86, 48.42], [45.2, 48.46], [45.56, 48.42], [45.86, 48.2], [46.12, 48.05],
      [46.37, 47.76], [46.63, 47.5], [47.05, 47.24], [47.42, 46.98], [47.62, 46.76], [47.86, 46.6], [48.03, 46.35],
      [47.95, 46.2], [47.68, 46.02], [47.54, 45.79], [47.6, 45.55], [47.66, 45.35], [47.681, 45.073],
    ],
  },
]; // prettier-ignore

const rows = (items) => `[\n    ${items.map((item) => JSON.stringify(item)).join(",\n    ")}\n  ]`;
writeFileSync(
  TARGET,
  `{
  "provenance": ${JSON.stringify(
    `Coastline, islands and borders: Natural Earth 1:10m, public domain, by way of npm world-atlas ${version} ` +
      `(land-10m, countries-10m), cropped to ${BOUNDS.west}-${BOUNDS.east} E, ${BOUNDS.south}-${BOUNDS.north} N and ` +
      `simplified to ${TOLERANCE} degrees by scripts/crop_coastline.mjs. [longitude, latitude] in degrees. ` +
      `The Volga and the Volga-Caspian canal are schematic, drawn by hand. For a picture, not for navigation; ` +
      `borders as in the source, without any position of the project.`,
  )},
  "sea": ${JSON.stringify(rounded(simplifiedRing(sea)))},
  "islands": ${rows(islands.map((ring) => rounded(simplifiedRing(ring))))},
  "borders": ${rows(borders.map((line) => rounded(simplified(line))).filter((line) => line.length > 1))},
  "rivers": ${rows(rivers)}
}
`,
);
