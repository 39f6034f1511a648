namespace Comet.AspNetCore.Testing.Browsers;

/// <summary>Which browser the tests use, and how they get one where there is none.</summary>
internal static class BrowserSearch
{
    internal const string BrowserVariable = "COMET_BROWSER";
    internal const string InstallVariable = "COMET_INSTALL_BROWSER";

    internal static string Find(BrowserMachine machine) => Find(
        Environment.GetEnvironmentVariable(BrowserVariable),
        Environment.GetEnvironmentVariable(InstallVariable),
        machine.Browsers,
        machine.Download,
        machine.InstallPackage,
        machine.Starts);

    /// <summary>Returns the path of a browser that starts.</summary>
    /// <param name="browser">The value of <see cref="BrowserVariable"/>: the path that the user chose, or null or empty.</param>
    /// <param name="install">The value of <see cref="InstallVariable"/>: a package is installed only where it is 1.</param>
    /// <param name="browsers">Where browsers may be, the best first; looked at again after each installation.</param>
    /// <param name="download">Tries to download one. Where it fails, nothing starts that did not before.</param>
    /// <param name="installPackage">The same for a package of the system.</param>
    /// <param name="starts">Whether there is a browser at a path, and it starts.</param>
    /// <exception cref="InvalidOperationException">There is none; the message says what to do.</exception>
    internal static string Find(
        string? browser, string? install, IEnumerable<string> browsers, Action download, Action installPackage, Func<string, bool> starts)
    {
        if (!string.IsNullOrEmpty(browser))
        {
            return starts(browser) ? browser : throw new InvalidOperationException(
                $"{BrowserVariable} is '{browser}', where no browser starts: " +
                "set it to the path of a Chrome, Edge, Chromium or Firefox, or unset it.");
        }
        var found = browsers.FirstOrDefault(starts);
        if (found is null)
        {
            download();
            found = browsers.FirstOrDefault(starts);
        }
        if (found is null && install == "1")
        {
            installPackage();
            found = browsers.FirstOrDefault(starts);
        }
        return found ?? throw new InvalidOperationException(
            "There is no browser for the tests, and none could be installed: " +
            $"install Chrome, Edge or Chromium, or set {BrowserVariable} to the path of one, " +
            $"or, on Debian and Ubuntu and as root, set {InstallVariable} to 1 to let apt-get install one.");
    }
}
