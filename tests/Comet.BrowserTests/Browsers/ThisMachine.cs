using System.ComponentModel;
using System.Diagnostics;

namespace Comet.BrowserTests.Browsers;

/// <summary>The computer that the tests run on.</summary>
internal sealed class ThisMachine(string playwrightBrowser) : IMachine
{
    private static readonly TimeSpan StartPatience = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan InstallPatience = TimeSpan.FromMinutes(5);

    public string? ChosenBrowser => Environment.GetEnvironmentVariable(BrowserSearch.ChoiceVariable) is { Length: > 0 } path ? path : null;

    public string PlaywrightBrowser => playwrightBrowser;

    public IEnumerable<string> SystemBrowsers
    {
        get
        {
            if (OperatingSystem.IsWindows())
            {
                return
                    from program in new[] { @"Google\Chrome\Application\chrome.exe", @"Microsoft\Edge\Application\msedge.exe", @"Chromium\Application\chrome.exe" }
                    from folder in new[] { "ProgramFiles", "ProgramFiles(x86)", "LocalAppData" }
                    select Path.Combine(Environment.GetEnvironmentVariable(folder) ?? "", program);
            }
            return OperatingSystem.IsMacOS()
                ? new[] { "Google Chrome", "Microsoft Edge", "Chromium" }.Select(name => $"/Applications/{name}.app/Contents/MacOS/{name}")
                : InPath("google-chrome", "google-chrome-stable", "microsoft-edge", "chromium", "chromium-browser");
        }
    }

    public bool HasApt => OperatingSystem.IsLinux() && Environment.IsPrivilegedProcess && InPath("apt-get").Any(File.Exists) && IsDebian();

    /// <summary>Where a Firefox may be that is not Playwright's own.</summary>
    internal static IEnumerable<string> Firefoxes =>
        OperatingSystem.IsWindows() ? [Path.Combine(Environment.GetEnvironmentVariable("ProgramFiles") ?? "", @"Mozilla Firefox\firefox.exe")]
        : OperatingSystem.IsMacOS() ? ["/Applications/Firefox.app/Contents/MacOS/firefox"]
        : InPath("firefox-esr", "firefox");

    // On Windows Chrome answers --version with a window, and on macOS an application bundle is whole or absent.
    public bool Runs(string path) =>
        File.Exists(path) && (!OperatingSystem.IsLinux() || Run(path, ["--version"], StartPatience, quiet: true));

    public bool Download()
    {
        Tell("No browser found: Playwright downloads its Chromium.");
        if (Microsoft.Playwright.Program.Main(["install", "--no-shell", "chromium"]) != 0)
        {
            return false;
        }
        // A downloaded browser brings none of the system's libraries.
        return !HasApt || Microsoft.Playwright.Program.Main(["install-deps", "chromium"]) == 0;
    }

    public bool InstallPackage(string name)
    {
        Tell($"Playwright's download failed: apt-get installs {name}.");
        return Run("apt-get", ["update"], InstallPatience) &&
            Run("apt-get", ["install", "-y", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=120", name], InstallPatience);
    }

    private static IEnumerable<string> InPath(params string[] names) =>
        from name in names
        from folder in (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
        select Path.Combine(folder, name);

    private static bool IsDebian() =>
        File.Exists("/etc/os-release") && File.ReadLines("/etc/os-release").Any(line =>
            line.StartsWith("ID", StringComparison.Ordinal) && (line.Contains("debian", StringComparison.Ordinal) || line.Contains("ubuntu", StringComparison.Ordinal)));

    private static bool Run(string program, string[] arguments, TimeSpan patience, bool quiet = false)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["DEBIAN_FRONTEND"] = "noninteractive";
        using var process = new Process { StartInfo = start };
        process.OutputDataReceived += (_, line) => Pass(line.Data);
        process.ErrorDataReceived += (_, line) => Pass(line.Data);
        try
        {
            process.Start();
        }
        catch (Win32Exception)
        {
            return false; // it is no program
        }
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        if (!process.WaitForExit(patience))
        {
            process.Kill(entireProcessTree: true);
            return false;
        }
        return process.ExitCode == 0;

        void Pass(string? line)
        {
            if (!quiet && line is not null)
            {
                Tell(line);
            }
        }
    }

    private static void Tell(string line) => Console.WriteLine(line);
}
