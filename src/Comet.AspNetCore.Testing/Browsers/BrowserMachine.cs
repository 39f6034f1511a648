using System.ComponentModel;
using System.Diagnostics;

namespace Comet.AspNetCore.Testing.Browsers;

/// <summary>The computer that the tests run on: which browsers it has, and how it gets one.</summary>
/// <param name="playwrightsBrowser">Where Playwright keeps the Chromium that it downloads.</param>
internal sealed class BrowserMachine(string playwrightsBrowser)
{
    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan InstallTimeout = TimeSpan.FromMinutes(5);

    /// <summary>Where a Chromium may be, the best first.</summary>
    internal IEnumerable<string> Browsers => SystemBrowsers.Prepend(playwrightsBrowser);

    private static IEnumerable<string> SystemBrowsers
    {
        get
        {
            if (OperatingSystem.IsWindows())
            {
                string[] programs =
                [
                    @"Google\Chrome\Application\chrome",
                    @"Microsoft\Edge\Application\msedge",
                    @"Chromium\Application\chrome",
                ];
                return
                    from program in programs
                    from folder in new[] { "ProgramFiles", "ProgramFiles(x86)", "LocalAppData" }
                    let root = Environment.GetEnvironmentVariable(folder)
                    where !string.IsNullOrEmpty(root)
                    select Path.Combine(root, program + ".exe");
            }
            return OperatingSystem.IsMacOS()
                ? new[] { "Google Chrome", "Microsoft Edge", "Chromium" }.Select(name => $"/Applications/{name}.app/Contents/MacOS/{name}")
                : InPath("google-chrome", "google-chrome-stable", "microsoft-edge", "chromium", "chromium-browser");
        }
    }

    /// <summary>Whether there is a program at the path, and it starts.</summary>
    // On Windows Chrome answers --version with a window, and on macOS an application bundle is whole or absent.
    internal bool Starts(string path) =>
        File.Exists(path) && (!OperatingSystem.IsLinux() || Succeeds(path, ["--version"], StartTimeout, isShown: false));

    /// <summary>Lets Playwright download its Chromium, and shows how far it is.</summary>
    internal void Download()
    {
        Console.WriteLine("There is no browser for the tests: Playwright downloads its Chromium, about 200 MB.");
        _ = Microsoft.Playwright.Program.Main(["install", "--no-shell", "chromium"]);
    }

    /// <summary>Lets apt-get install what a downloaded browser lacks, or a browser, where that can be; shows what it prints.</summary>
    internal void InstallPackage()
    {
        if (!OperatingSystem.IsLinux() || !Environment.IsPrivilegedProcess ||
            InPath("apt-get").FirstOrDefault(File.Exists) is not { } aptGet)
        {
            return;
        }
        if (File.Exists(playwrightsBrowser))
        {
            Console.WriteLine("Playwright's Chromium lacks libraries of the system: apt-get installs them.");
            _ = Microsoft.Playwright.Program.Main(["install-deps", "chromium"]);
        }
        else
        {
            Console.WriteLine("There is no browser for the tests: apt-get installs chromium.");
            string[] install = ["install", "-y", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=120", "chromium"];
            _ = Succeeds(aptGet, ["update"], InstallTimeout, isShown: true)
                && Succeeds(aptGet, install, InstallTimeout, isShown: true);
        }
    }

    // An entry that is empty or relative would name a program in whatever folder the tests run in.
    private static IEnumerable<string> InPath(params string[] names) =>
        from name in names
        from folder in (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
        where Path.IsPathFullyQualified(folder)
        select Path.Combine(folder, name);

    private static bool Succeeds(string program, string[] arguments, TimeSpan timeout, bool isShown)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["DEBIAN_FRONTEND"] = "noninteractive";
        using var process = new Process { StartInfo = start };
        process.OutputDataReceived += (_, line) => Show(line.Data);
        process.ErrorDataReceived += (_, line) => Show(line.Data);
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
        if (!process.WaitForExit(timeout))
        {
            process.Kill(entireProcessTree: true);
            return false;
        }
        return process.ExitCode == 0;

        void Show(string? line)
        {
            if (isShown && line is not null)
            {
                Console.WriteLine(line);
            }
        }
    }
}
