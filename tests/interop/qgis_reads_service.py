"""Headless QGIS reads the service as a user connects it: OGC API Features, Basic with a token as the password.

Usage: qgis_reads_service.py OGC_URL TOKEN GRIDS W S E N HOUSEHOLDS (how many grids there are, how many households lie in the box)."""

import sys

from qgis.core import QgsApplication, QgsDataSourceUri, QgsFeatureRequest, QgsRectangle, QgsVectorLayer


def layer_of(url, token, collection):
    uri = QgsDataSourceUri()
    for name, value in (("url", url), ("typename", collection), ("username", "gis"), ("password", token), ("pageSize", "1000")):
        uri.setParam(name, value)
    uri.setParam("restrictToRequestBBOX", "1")
    layer = QgsVectorLayer(uri.uri(False), collection, "OAPIF")
    assert layer.isValid(), f"{collection}: {layer.error().message()}"
    assert layer.crs().authid() in ("OGC:CRS84", "EPSG:4326"), layer.crs().authid()
    return layer


def look(url, token, grids, box, households):
    layer = layer_of(url, token, "grids")
    shapes = [f for f in layer.getFeatures() if not f.geometry().isEmpty()]
    assert len(shapes) == grids, f"{len(shapes)} grids of {grids}"
    assert all(len(f["code"]) == 15 and (f["households"] > 0 or f["kind"] == "dedicated") for f in shapes)
    x, y = shapes[0].geometry().centroid().asPoint()
    assert 100 < x < 110 and 20 < y < 30, "axes"
    print(f"{len(shapes)} grids, codes and figures")
    layer = layer_of(url, token, "households")
    near = list(layer.getFeatures(QgsFeatureRequest().setFilterRect(box)))
    assert len(near) == households, f"{len(near)} households of {households} in {box.toString()}"
    print(f"{len(near)} households in a box, {near[0]['id']} among them", flush=True)


def main():
    application = QgsApplication([], False)
    application.initQgis()
    # layers end before QGIS does
    look(sys.argv[1], sys.argv[2], int(sys.argv[3]), QgsRectangle(*map(float, sys.argv[4:8])), int(sys.argv[8]))
    application.exitQgis()


main()
