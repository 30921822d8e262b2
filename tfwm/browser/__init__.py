"""A page that reads and marks photos in the browser, without a server: a folder of static files."""

from tfwm.browser.bundle import write_page

__all__ = ["write_page"]
