"""Pages that join findings in one file, without the network."""

from ctrmoe.report.page import render_page as render_page
from ctrmoe.report.section import Drawing as Drawing
from ctrmoe.report.section import Plot as Plot
from ctrmoe.report.section import Section as Section
