"""Headless QGIS saves layers of a store as its users do, in the formats it offers. Usage: qgis_saves.py STORE.gpkg FOLDER"""

import pathlib
import sys
import zipfile

from qgis.core import QgsApplication, QgsField, QgsProject, QgsVectorFileWriter, QgsVectorLayer, QgsWkbTypes
from qgis.PyQt.QtCore import QVariant

# Ending, driver, encoding, options of the layer.
FORMATS = [
    ("gpkg", "GPKG", "UTF-8", []),
    ("geojson", "GeoJSON", "UTF-8", ["COORDINATE_PRECISION=9"]),
    ("kml", "KML", "UTF-8", []),
    ("utf8.shp", "ESRI Shapefile", "UTF-8", []),
    ("gbk.shp", "ESRI Shapefile", "GBK", []),
]


def saved(layer, path, driver, encoding, more, shapes=True):
    options = QgsVectorFileWriter.SaveVectorOptions()
    options.driverName, options.fileEncoding, options.layerOptions = driver, encoding, more
    options.layerName = layer.name()
    if not shapes:
        options.overrideGeometryType = QgsWkbTypes.NoGeometry
    context = QgsProject.instance().transformContext()
    error, said, *_ = QgsVectorFileWriter.writeAsVectorFormatV3(layer, str(path), context, options)
    assert error == QgsVectorFileWriter.NoError, f"{path}: {said}"


def packed(shp):
    """The files of a Shapefile in one archive, as they are sent."""
    archive = shp.with_suffix(".zip")
    with zipfile.ZipFile(archive, "w") as out:
        for part in sorted(shp.parent.glob(f"{shp.stem}.*")):
            if part != archive:
                out.write(part, part.name)
                part.unlink()


def main():
    store, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    application = QgsApplication([], False)
    application.initQgis()
    for table in ("regions", "households"):
        layer = QgsVectorLayer(f"{store}|layername={table}", table, "ogr")
        assert layer.isValid(), table
        for ending, driver, encoding, more in FORMATS:
            path = folder / f"{table}.{ending}"
            saved(layer, path, driver, encoding, more)
            if path.suffix == ".shp":
                packed(path)
    # a table has no geometry: the place goes in columns, as the field calculator makes them
    layer = QgsVectorLayer(f"{store}|layername=households", "households", "ogr")
    for name, expression in (("lon", "$x"), ("lat", "$y")):
        layer.addExpressionField(expression, QgsField(name, QVariant.Double, len=18, prec=9))
    saved(layer, folder / "households.xlsx", "XLSX", "UTF-8", [], shapes=False)
    application.exitQgis()


main()
