"""Headless QGIS opens the store and every export, and moves a building in the store. Usage: qgis_opens.py STORE.gpkg EXPORTS"""

import json
import pathlib
import sys

from qgis.core import (
    QgsApplication,
    QgsFeatureRequest,
    QgsGeometry,
    QgsPointXY,
    QgsProviderRegistry,
    QgsRectangle,
    QgsVectorLayer,
    QgsWkbTypes,
)

# Layers of the store: table, the name people see.
STORE_LAYERS = {
    "regions": "行政区",
    "buildings": "楼栋",
    "households": "住户",
    "grids": "网格",
    "units": "十联户",
    "leaders": "联户长",
    "barriers": "障碍",
    "incidents": "事件",
}


def opened(uri, name):
    layer = QgsVectorLayer(uri, name, "ogr")
    assert layer.isValid(), f"QGIS does not open {uri}"
    return layer


def of_store(store):
    found = {s.name(): s for s in QgsProviderRegistry.instance().querySublayers(store)}
    for table, title in STORE_LAYERS.items():
        assert table in found, f"{table} is not among {sorted(found)}"
        layer = opened(f"{store}|layername={table}", table)
        # the name that people see: what QGIS takes from the package as the layer's title
        shown = layer.dataProvider().layerMetadata().title()
        assert shown == title, f"{table} is called {shown!r}"
        print(f"{table} {shown}: {layer.featureCount()} features, {QgsWkbTypes.displayString(layer.wkbType())}")
        assert layer.crs().authid() == "EPSG:4326", layer.crs().authid()
    return {table: opened(f"{store}|layername={table}", table).featureCount() for table in STORE_LAYERS}


def features(path):
    uri = f"/vsizip/{path.resolve()}" if path.suffix == ".zip" else str(path)
    parts = QgsProviderRegistry.instance().querySublayers(uri)
    layers = [QgsVectorLayer(p.uri(), p.name(), p.providerKey()) for p in parts]
    for layer in layers:
        assert layer.isValid(), f"QGIS does not open {path}"
    return sum(layer.featureCount() for layer in layers)


def of_exports(folder):
    for wanted in sorted(folder.glob("*.geojson")):
        expected = len(json.loads(wanted.read_text())["features"])
        for path in sorted(folder.glob(f"{wanted.stem}.*")):
            count = features(path)
            # A delimited file opens with its header as names, whatever QGIS guesses of its types.
            assert count == expected, f"{path}: {count} features where {expected} were exported"
        print(f"{wanted.stem}: {expected} features in every format")


def move_building(store):
    layer = opened(f"{store}|layername=buildings", "buildings")
    feature = next(layer.getFeatures())
    at = feature.geometry().centroid().asPoint()
    assert layer.startEditing()
    assert layer.changeGeometry(feature.id(), QgsGeometry.fromPointXY(QgsPointXY(at.x() + 1e-4, at.y())))
    assert layer.commitChanges(), layer.commitErrors()
    # the R-tree of the file went with it
    there = QgsRectangle(at.x() + 1e-4 - 1e-7, at.y() - 1e-7, at.x() + 1e-4 + 1e-7, at.y() + 1e-7)
    found = [f["id"] for f in opened(f"{store}|layername=buildings", "again").getFeatures(QgsFeatureRequest(there))]
    assert feature["id"] in found, f"{feature['id']} is not at its new place, {found} are"
    print("moved", feature["id"], "and found it there")


def main():
    store, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    application = QgsApplication([], False)
    application.initQgis()
    counts = of_store(store)
    assert counts["buildings"] and counts["households"] == 8000 and counts["units"], counts
    of_exports(folder)
    move_building(store)
    application.exitQgis()


main()
