// The other plan of a comparison, on the far side of the divider.

import type L from "leaflet";
import type { App } from "../app";
import { palettes } from "../style/palette";
import { colour, neighbours } from "../village/colouring";
import type { Model } from "../village/model";
import { type Outline, outlineOf } from "../village/outline";
import type { Box } from "./boxes";
import { CanvasLayer } from "./canvas-layer";
import { homesOf, middles, paintBorders, paintBuildings, paintGround, paintLabels, paintRings, sightOf, signsOf } from "./paint";
import type { VillageLayer } from "./village-layer";

export class SwipeLayer extends CanvasLayer {
  private ready: { model: Model; outline: Outline; colours: Int32Array; labelAt: Float64Array } | null = null;

  constructor(private readonly app: App, private readonly village: VillageLayer) {
    super(415);
    app.store.subscribe((now, before) => {
      if (now.compared === null) this.ready = null;
      if (now.compared !== before.compared || now.swipe !== before.swipe || now.palette !== before.palette || now.lang !== before.lang || now.model !== before.model) this.redraw();
    });
  }

  /** Screen place of the divider, or null where nothing is compared. */
  dividerAt(width: number): number | null {
    const { compared, model, swipe } = this.app.state;
    return model === null || compared === null || compared.model === null ? null : width * swipe;
  }

  private prepare(model: Model) {
    if (this.ready?.model === model) return this.ready;
    const { grids } = model.data;
    // a grid of both plans has one colour where its neighbours allow it
    const colours = colour(neighbours(model), palettes.calm.fills.length, grids.map(g => this.village.indexOf(g.code)));
    this.ready = { model, outline: outlineOf(model), colours, labelAt: middles(model) };
    return this.ready;
  }

  protected override isBlank(): boolean { return this.dividerAt(1) === null; }

  protected override draw(pen: CanvasRenderingContext2D, map: L.Map, size: L.Point, box: Box): void {
    const { state } = this.app, left = this.dividerAt(size.x), other = state.compared?.model ?? null;
    if (left === null || other === null) return;
    const { outline, colours, labelAt } = this.prepare(other), palette = palettes[state.palette], sight = sightOf(other, map, box);
    pen.beginPath();
    pen.rect(left, 0, size.x - left, size.y);
    pen.clip();
    pen.fillStyle = palette.ground;
    pen.fillRect(left, 0, size.x - left, size.y);
    paintGround(pen, sight, colours, palette);
    paintBorders(pen, sight, outline, palette, -1);
    paintBuildings(pen, sight);
    paintRings(pen, sight, homesOf(other, state.compared!.households));
    paintLabels(pen, sight, signsOf(pen, sight, labelAt, -1, this.app), -1, this.app);
  }
}
