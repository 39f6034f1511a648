using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Comet.TestUtilities.Conformance;

namespace Comet.AspNetCore.Sqlite.Tests;

/// <summary>What is published is the app's business: its files are for its user.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class SqliteFileModeTests : SqliteFileTests
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    public static bool HasModes => !OperatingSystem.IsWindows();

    [Theory(SkipUnless = nameof(HasModes), Skip = "Windows has no file modes.")]
    [InlineData(0)]
    [InlineData(18)] // 022
    public async Task New_files_are_for_their_user_whatever_the_umask(int umask)
    {
        using var messages = new RecordedLog();
        var before = SetUmask(umask);
        try
        {
            await using var host = await StartAsync(log: messages);
            await using var log = await OpenAsync(host, new RecordingTail());
            await AppendAsync(log, 1);
            await ReadAllAsync(log);

            foreach (var suffix in (string[])["", "-wal", "-shm", "-lock"])
            {
                Assert.Equal((suffix, Private), (suffix, System.IO.File.GetUnixFileMode(File + suffix)));
            }
            Assert.Equal(4, Directory.GetFiles(Path.GetDirectoryName(File)!).Length);
            Assert.Empty(StoreEvents(messages));
        }
        finally
        {
            _ = SetUmask(before);
        }
    }

    [Fact(SkipUnless = nameof(HasModes), Skip = "Windows has no file modes.")]
    public async Task The_mode_of_a_file_that_is_there_is_its_owners_and_one_that_everybody_reads_is_told()
    {
        await using (var first = await StartAsync())
        {
            await using var log = await OpenAsync(first, new RecordingTail());
        }
        const UnixFileMode Public = Private | UnixFileMode.GroupRead | UnixFileMode.OtherRead;
        System.IO.File.SetUnixFileMode(File, Public);
        using var messages = new RecordedLog();

        await using var host = await StartAsync(log: messages);
        await using var again = await OpenAsync(host, new RecordingTail());

        Assert.Equal(Public, System.IO.File.GetUnixFileMode(File));
        Assert.Equal(["SqliteFileReadable"], StoreEvents(messages));
        Assert.Contains(messages.Entries, entry => entry.Message.Contains($"chmod 600 {File}*", StringComparison.Ordinal));
    }

    [DllImport("libc", EntryPoint = "umask")]
    private static extern int SetUmask(int mode);
}
