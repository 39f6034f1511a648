namespace Comet.AspNetCore.Testing.Browsers;

/// <summary>Which browser the tests use, and how they get one where there is none.</summary>
internal static class BrowserSearch
{
    internal const string BrowserVariable = "COMET_BROWSER";
    internal const string InstallVariable = "COMET_INSTALL_BROWSER";

    internal static string Find(BrowserMachine machine) => Find(
        Environment.GetEnvironmentVariable(BrowserVariable),
        machine.Browsers,
        Environment.GetEnvironmentVariable(InstallVariable) == "1" ? [machine.Download, machine.InstallPackage] : [machine.Download],
        machine.Starts);

    /// <summary>Returns the path of a browser that starts.</summary>
    /// <param name="chosen">The path that the user chose, or null or empty.</param>
    /// <param name="browsers">Where browsers may be, the best first; looked at again after each installation.</param>
    /// <param name="installations">The ways to get one, in order. One that fails leaves nothing that starts.</param>
    /// <param name="starts">Whether there is a browser at a path, and it starts.</param>
    /// <exception cref="InvalidOperationException">There is none; the message says what to do.</exception>
    internal static string Find(string? chosen, IEnumerable<string> browsers, IEnumerable<Action> installations, Func<string, bool> starts)
    {
        if (!string.IsNullOrEmpty(chosen))
        {
            return starts(chosen) ? chosen : throw new InvalidOperationException(
                $"{BrowserVariable} is '{chosen}', where no browser starts: " +
                "set it to the path of a Chrome, Edge, Chromium or Firefox, or unset it.");
        }
        var found = browsers.FirstOrDefault(starts);
        foreach (var install in installations)
        {
            if (found is not null)
            {
                break;
            }
            install();
            found = browsers.FirstOrDefault(starts);
        }
        return found ?? throw new InvalidOperationException(
            "There is no browser for the tests, and none could be installed: " +
            $"install Chrome, Edge or Chromium, or set {BrowserVariable} to the path of one, " +
            $"or, on Debian and Ubuntu and as root, set {InstallVariable} to 1 to let apt-get install one.");
    }
}
