namespace Comet.BrowserTests.Browsers;

/// <summary>What the search for a browser asks of the computer it runs on.</summary>
internal interface IMachine
{
    /// <summary>The path in the environment variable COMET_BROWSER, or null.</summary>
    string? ChosenBrowser { get; }

    /// <summary>Where Playwright keeps the Chromium it downloads.</summary>
    string PlaywrightBrowser { get; }

    /// <summary>Where Chrome, Edge and Chromium may be, the best first.</summary>
    IEnumerable<string> SystemBrowsers { get; }

    /// <summary>Whether apt-get may install packages: Debian or Ubuntu, and root.</summary>
    bool HasApt { get; }

    /// <summary>Whether there is a program at the path, and it starts.</summary>
    bool Runs(string path);

    /// <summary>Lets Playwright download its Chromium; what it prints goes to the console.</summary>
    bool Download();

    /// <summary>Installs Debian's package; what apt-get prints goes to the console.</summary>
    bool InstallPackage(string name);
}
