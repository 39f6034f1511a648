using System.Diagnostics;

namespace Comet.AspNetCore.Sqlite.Tests;

/// <summary>A small disk in memory, which can be filled or made read-only.</summary>
internal sealed class Tmpfs : IDisposable
{
    internal const string NeedsRoot = "Mounts a file system: needs root on Linux.";

    private readonly string _path;

    internal Tmpfs(string path, string size)
    {
        _path = Directory.CreateDirectory(path).FullName;
        Run("mount", "-t", "tmpfs", "-o", $"size={size}", "tmpfs", _path);
    }

    public static bool CanMount => OperatingSystem.IsLinux() && Environment.IsPrivilegedProcess;

    internal void Remount(string option) => Run("mount", "-o", $"remount,{option}", _path);

    /// <summary>Fills the disk except for this many bytes.</summary>
    internal void Fill(int except)
    {
        using var ballast = File.Create(Path.Combine(_path, "ballast"));
        ballast.Write(new byte[new DriveInfo(_path).AvailableFreeSpace - except]);
    }

    public void Dispose() => Run("umount", "--lazy", _path);

    private static void Run(string command, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(command, arguments) { RedirectStandardError = true })!;
        var error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{command} {string.Join(' ', arguments)}: {error}");
    }
}
