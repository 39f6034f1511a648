namespace Comet.BrowserTests.Browsers;

/// <summary>Finds a Chromium for the tests, and gets one where there is none.</summary>
internal static class BrowserSearch
{
    internal const string ChoiceVariable = "COMET_BROWSER";

    /// <summary>The path of a Chromium, Chrome or Edge.</summary>
    /// <exception cref="InvalidOperationException">There is none and none could be installed; the message says what to do.</exception>
    internal static string Find(IMachine machine)
    {
        if (machine.ChosenBrowser is { } chosen)
        {
            return machine.Runs(chosen)
                ? chosen
                : throw new InvalidOperationException($"{ChoiceVariable} is '{chosen}', where no browser starts: set it to the path of Chrome, Edge or Chromium, or unset it.");
        }
        return Present(machine) ?? Installed(machine) ?? throw new InvalidOperationException(
            $"The browser tests need Chrome, Edge or Chromium, found none and could not install one: install one, or set {ChoiceVariable} to the path of one.");
    }

    private static string? Present(IMachine machine) => machine.SystemBrowsers.Prepend(machine.PlaywrightBrowser).FirstOrDefault(machine.Runs);

    private static string? Installed(IMachine machine)
    {
        if (machine.Download() && machine.Runs(machine.PlaywrightBrowser))
        {
            return machine.PlaywrightBrowser;
        }
        return machine.HasApt && machine.InstallPackage("chromium") ? Present(machine) : null;
    }
}
