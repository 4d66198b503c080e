"""Headless QGIS opens the project that the service gives out: every layer is there, drawn, with all its features. Usage: qgis_project.py BASE"""

import json
import pathlib
import sys
import tempfile
import urllib.request

from qgis.core import QgsApplication, QgsProject


def main(base):
    ask = lambda path: urllib.request.urlopen(base + path).read()
    path = pathlib.Path(tempfile.mkdtemp()) / "lianhu.qgs"
    path.write_bytes(ask("/ogc/lianhu.qgs"))
    project = QgsProject.instance()
    assert project.read(str(path)), "QGIS does not open the project"
    assert project.crs().authid() == "EPSG:3857", project.crs().authid()
    collections = [c["id"] for c in json.loads(ask("/ogc/collections"))["collections"]]
    layers = {i.removeprefix("lianhu_"): layer for i, layer in project.mapLayers().items()}
    assert sorted(layers) == sorted(collections), (sorted(layers), sorted(collections))
    for name, layer in layers.items():
        assert layer.isValid(), f"{name} is not valid"
        matched = json.loads(ask(f"/ogc/collections/{name}/items?limit=1"))["numberMatched"]
        assert layer.featureCount() == matched, (name, layer.featureCount(), matched)
        assert layer.renderer().symbol() is not None
        print(f"{name} {layer.name()}: {matched} features")
    assert len(project.layerTreeRoot().findLayers()) == len(collections)


application = QgsApplication([], False)
application.initQgis()
main(sys.argv[1])
application.exitQgis()
