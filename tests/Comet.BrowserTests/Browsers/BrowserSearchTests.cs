namespace Comet.BrowserTests.Browsers;

public class BrowserSearchTests
{
    private readonly FakeMachine _machine = new();

    [Fact]
    public void The_chosen_browser_comes_before_all_others()
    {
        _machine.ChosenBrowser = "/my/browser";
        _machine.Programs = ["/my/browser", "/playwright", "/usr/bin/chrome"];

        Assert.Equal("/my/browser", BrowserSearch.Find(_machine));
    }

    [Fact]
    public void A_choice_that_does_not_start_is_an_error_even_where_others_would()
    {
        _machine.ChosenBrowser = "/my/browser";
        _machine.Programs = ["/playwright"];

        var error = Assert.Throws<InvalidOperationException>(() => BrowserSearch.Find(_machine));

        Assert.Equal("COMET_BROWSER is '/my/browser', where no browser starts: set it to the path of Chrome, Edge or Chromium, or unset it.", error.Message);
        Assert.Empty(_machine.Installs);
    }

    [Fact]
    public void Playwrights_own_comes_before_the_systems()
    {
        _machine.Programs = ["/usr/bin/chrome", "/playwright"];

        Assert.Equal("/playwright", BrowserSearch.Find(_machine));
    }

    [Fact]
    public void The_first_of_the_system_that_starts_is_taken()
    {
        _machine.Programs = ["/usr/bin/edge", "/usr/bin/chromium"];

        Assert.Equal("/usr/bin/edge", BrowserSearch.Find(_machine));
        Assert.Empty(_machine.Installs);
    }

    [Fact]
    public void Where_there_is_none_Playwright_downloads_one()
    {
        _machine.Downloads = true;

        Assert.Equal("/playwright", BrowserSearch.Find(_machine));
        Assert.Equal(["download"], _machine.Installs);
    }

    [Fact]
    public void Where_the_download_fails_a_package_is_installed()
    {
        _machine.HasApt = true;

        Assert.Equal("/usr/bin/chromium", BrowserSearch.Find(_machine));
        Assert.Equal(["download", "apt chromium"], _machine.Installs);
    }

    [Fact]
    public void A_download_that_does_not_start_is_no_browser()
    {
        _machine.Downloads = true;
        _machine.DownloadStarts = false;
        _machine.HasApt = true;

        Assert.Equal("/usr/bin/chromium", BrowserSearch.Find(_machine));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Where_all_fails_one_sentence_says_what_to_do(bool hasApt)
    {
        _machine.HasApt = hasApt;
        _machine.PackageInstalls = false;

        var error = Assert.Throws<InvalidOperationException>(() => BrowserSearch.Find(_machine));

        Assert.Equal(
            "The browser tests need Chrome, Edge or Chromium, found none and could not install one: install one, or set COMET_BROWSER to the path of one.",
            error.Message);
        Assert.Equal(hasApt ? ["download", "apt chromium"] : ["download"], _machine.Installs);
    }

    [Fact]
    public void A_file_that_is_no_program_does_not_start()
    {
        var machine = new ThisMachine("");

        Assert.False(machine.Runs(Path.Combine(AppContext.BaseDirectory, "nothing-here")));
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Only Linux is asked to start it.");
        Assert.False(machine.Runs(Path.Combine(AppContext.BaseDirectory, "Comet.BrowserTests.runtimeconfig.json")));
    }

    private sealed class FakeMachine : IMachine
    {
        public string? ChosenBrowser { get; set; }

        public string PlaywrightBrowser => "/playwright";

        public IEnumerable<string> SystemBrowsers => ["/usr/bin/chrome", "/usr/bin/edge", "/usr/bin/chromium"];

        public bool HasApt { get; set; }

        internal List<string> Programs { get; set; } = [];

        internal List<string> Installs { get; } = [];

        internal bool Downloads { get; set; }

        internal bool DownloadStarts { get; set; } = true;

        internal bool PackageInstalls { get; set; } = true;

        public bool Runs(string path) => Programs.Contains(path);

        public bool Download()
        {
            Installs.Add("download");
            if (Downloads && DownloadStarts)
            {
                Programs.Add(PlaywrightBrowser);
            }
            return Downloads;
        }

        public bool InstallPackage(string name)
        {
            Installs.Add("apt " + name);
            if (PackageInstalls)
            {
                Programs.Add("/usr/bin/" + name);
            }
            return PackageInstalls;
        }
    }
}
