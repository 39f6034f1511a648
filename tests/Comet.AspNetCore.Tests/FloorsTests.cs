namespace Comet.AspNetCore.Tests;

/// <summary>The library's folders stand on floors: a file uses what its own floor and those below declare, and nothing above.</summary>
public sealed class FloorsTests
{
    private static readonly SourceFloors Floors = new(
        "Comet.AspNetCore", "Hosting", "Results", "Feeds", "Connections", "Transport", "Formats", "Stores", "Diagnostics", "Options");

    [Fact]
    public void Every_folder_is_a_floor() => Assert.Equal(Floors.Names.Order(), Floors.Folders.Order());

    [Fact]
    public void Arrows_between_floors_go_down_only() => Assert.Empty(Floors.ArrowsUp());

    [Fact]
    public void What_is_unsafe_has_a_folder_of_its_own() => Assert.Equal(["Detached"], Floors.FoldersWith(@"\b(unsafe|LibraryImport)\b"));
}
