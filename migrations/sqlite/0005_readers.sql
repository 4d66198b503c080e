-- Nothing here: a file has no roles. The step keeps its number beside that of PostGIS, which says who reads past the program.
SELECT 1;
