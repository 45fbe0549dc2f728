<#
.SYNOPSIS
Runs an Aislewatch agent or collector from system start on, without anybody signed in.

.DESCRIPTION
    powershell -ExecutionPolicy Bypass -File service\service.ps1 install agent
    powershell -ExecutionPolicy Bypass -File service\service.ps1 status agent

The archive has no program that speaks to the service control manager, so this is a scheduled task and not a service:
Task Scheduler starts keep-running.mjs at system start as an account without rights of its own, looks every minute whether
it is still there, and that starts the program again when it ends and keeps its log. docs/install.md says what that can
and can't do. For Windows 10, Windows Server 2016 and newer, with the PowerShell 5.1 that they have.

Each command may be given again: it does what is left to do. Exit codes: 0 done (status: it runs), 1 failed (status: it
does not run), 2 the configuration is missing or faulty.

.PARAMETER Command
install    checks the configuration, protects the folder, registers the task and starts it. After unpacking a newer
           archive: the same from there; configuration and data stay where they are.
uninstall  stops the program and removes the task; with -Purge also the folder with configuration, data and logs.
start, stop, restart   stop lasts over a restart of the machine, until start.
status     whether it runs, and the end of its log.

.PARAMETER Program
agent, or collector (which is in the archive aislewatch, not in aislewatch-agent).

.PARAMETER Folder
Where configuration, secrets, data and logs are. Default: %ProgramData%\Aislewatch\agent, or ...\collector.

.PARAMETER Account
Who it runs as. Default: LocalService, which other services of the machine may run as, too. A group managed service
account, DOMAIN\name$, keeps its secrets to itself.

.PARAMETER Purge
With uninstall: remove the folder, too.
#>
#Requires -Version 5.1
[CmdletBinding()]
param(
    [Parameter(Position = 0)]
    [ValidateSet('install', 'uninstall', 'start', 'stop', 'restart', 'status')]
    [string]$Command = 'status',

    [Parameter(Position = 1)]
    [ValidateSet('agent', 'collector')]
    [string]$Program = 'agent',

    [string]$Folder = (Join-Path $env:ProgramData "Aislewatch\$Program"),

    [string]$Account = 'S-1-5-19',

    [switch]$Purge
)

Set-StrictMode -Version 3.0
$ErrorActionPreference = 'Stop'

$Folder = $ExecutionContext.SessionState.Path.GetUnresolvedProviderPathFromPSPath($Folder).TrimEnd('\')
$Release = Split-Path -Parent $PSScriptRoot
$Node = Join-Path $Release 'node\bin\node.exe'
$KeepRunning = Join-Path $PSScriptRoot 'keep-running.mjs'
$TaskPath = '\Aislewatch\'
$LogFile = Join-Path $Folder "logs\$Program.log"
# Only a folder that install made is ever removed.
$Marker = Join-Path $Folder 'made-by-aislewatch'
$StopSecondsMax = 60
$LogLinesShown = 10

# What differs between the two: the launcher, its words, the files that a person edits.
$About = @{
    agent     = @{ Launcher = 'bin\aislewatch-agent.cmd'; Words = @('run'); Check = @('check'); Files = @('agent.yaml') }
    collector = @{ Launcher = 'bin\aislewatch.cmd'; Words = @('collector'); Check = @('collector', '--check'); Files = @('collector.yaml', 'sites.yaml') }
}[$Program]
$Config = Join-Path $Folder $About.Files[0]

function Stop-WithMessage([int]$Code, [string]$Message) {
    [Console]::Error.WriteLine("service.ps1: $Message")
    exit $Code
}

function Assert-Elevated {
    $me = New-Object Security.Principal.WindowsPrincipal ([Security.Principal.WindowsIdentity]::GetCurrent())
    if (-not $me.IsInRole([Security.Principal.WindowsBuiltInRole]::Administrator)) {
        Stop-WithMessage 1 "$Command needs an administrator: start PowerShell with 'Run as administrator' and try again"
    }
}

# The launcher's own words: Node's flags, and the program's file in the release.
function Get-LauncherParts {
    $file = Join-Path $Release $About.Launcher
    if (-not (Test-Path -LiteralPath $file -PathType Leaf)) {
        Stop-WithMessage 1 "$file is not there: is this the archive that has the $($Program)?"
    }
    foreach ($line in Get-Content -LiteralPath $file) {
        if ($line -match '^"%~dp0\.\.\\node\\bin\\node\.exe" (.*) "%~dp0\.\.\\([^"]+)" %\*$') {
            return @{ Flags = @($Matches[1] -split ' '); File = (Join-Path $Release $Matches[2]) }
        }
    }
    Stop-WithMessage 1 "$file does not start Node: it is not that of a release"
}

function Get-OwnTask {
    Get-ScheduledTask -TaskPath $TaskPath -TaskName $Program -ErrorAction SilentlyContinue
}

function Set-Rights([string]$Path, [string[]]$Words) {
    $all = @($Path) + $Words + @('/Q')
    & icacls.exe $all | Out-Null
    if ($LASTEXITCODE -ne 0) { Stop-WithMessage 1 "icacls could not set the rights of $Path (code $LASTEXITCODE)" }
}

function Initialize-Folder {
    foreach ($path in @($Folder, (Join-Path $Folder 'data'), (Join-Path $Folder 'logs'))) {
        if (-not (Test-Path -LiteralPath $path)) { New-Item -ItemType Directory -Path $path | Out-Null }
    }
    # SIDs are the same in every language of Windows: the system and administrators; (OI)(CI): what is made in it later, too.
    $alone = @('/inheritance:r', '/grant:r', '*S-1-5-18:(OI)(CI)F', '*S-1-5-32-544:(OI)(CI)F')
    $who = if ($Account -match '^S-1-') { "*$Account" } else { $Account }
    # The program reads its configuration and secrets, and writes to data and logs alone.
    Set-Rights $Folder ($alone + @("$($who):(OI)(CI)RX"))
    Set-Rights (Join-Path $Folder 'data') ($alone + @("$($who):(OI)(CI)M"))
    Set-Rights (Join-Path $Folder 'logs') ($alone + @("$($who):(OI)(CI)M"))
    # A file that was moved here, such as a password, brought the rights of where it was.
    Get-ChildItem -LiteralPath $Folder -File | ForEach-Object { Set-Rights $_.FullName @('/reset') }
    if (-not (Test-Path -LiteralPath $Marker)) { New-Item -ItemType File -Path $Marker | Out-Null }
    foreach ($name in $About.Files) {
        $to = Join-Path $Folder $name
        if (Test-Path -LiteralPath $to) { continue }
        Copy-Item -LiteralPath (Join-Path $PSScriptRoot $name) -Destination $to
        Write-Output "$to is new: it is yours to edit"
    }
}

function Assert-Configuration($Parts) {
    $words = $Parts.Flags + @($Parts.File) + $About.Check + @('--config', $Config)
    & $Node $words
    if ($LASTEXITCODE -ne 0) {
        Stop-WithMessage 2 "mend what stands above, and run install again; nothing was started"
    }
}

# Of this folder: keep-running.mjs, and the program that it started, which ends in order after it.
function Get-OwnProcesses {
    Get-CimInstance -ClassName Win32_Process -Filter "Name = 'node.exe'" |
        Where-Object { $null -ne $_.CommandLine -and $_.CommandLine.Contains($Config) }
}

# Disabled first, or its repetition would start it again.
function Stop-Program {
    if ($null -eq (Get-OwnTask)) { return }
    Disable-ScheduledTask -TaskPath $TaskPath -TaskName $Program | Out-Null
    Stop-ScheduledTask -TaskPath $TaskPath -TaskName $Program
    for ($second = 0; $second -lt $StopSecondsMax; $second++) {
        if (@(Get-OwnProcesses).Count -eq 0) { return }
        Start-Sleep -Seconds 1
    }
    # It loses nothing by it: what it was sent is on disk before it says so.
    Get-OwnProcesses | ForEach-Object { Stop-Process -Id $_.ProcessId -Force -ErrorAction SilentlyContinue }
}

function Register-Program($Parts) {
    $quoted = @("`"$KeepRunning`"", '--log', "`"$LogFile`"", '--') + $Parts.Flags + @("`"$($Parts.File)`"") + $About.Words + @('--config', "`"$Config`"")
    $action = New-ScheduledTaskAction -Execute $Node -Argument ($quoted -join ' ') -WorkingDirectory $Folder
    # RestartOnFailure of Task Scheduler is for tasks that it could not start; a repetition that is ignored while the
    # program runs starts it again however it ended.
    $atStart = New-ScheduledTaskTrigger -AtStartup
    $everyMinute = New-ScheduledTaskTrigger -Once -At (Get-Date) -RepetitionInterval (New-TimeSpan -Minutes 1)
    # What the defaults would do: end it after three days, on batteries and when somebody works, and at low priority.
    $settings = New-ScheduledTaskSettingsSet -MultipleInstances IgnoreNew -ExecutionTimeLimit ([TimeSpan]::Zero) `
        -AllowStartIfOnBatteries -DontStopIfGoingOnBatteries -DontStopOnIdleEnd -StartWhenAvailable -Priority 5
    $logonType = if ($Account.EndsWith('$')) { 'Password' } else { 'ServiceAccount' }
    $principal = New-ScheduledTaskPrincipal -UserId $Account -LogonType $logonType -RunLevel Limited
    Register-ScheduledTask -TaskPath $TaskPath -TaskName $Program -Action $action -Trigger @($atStart, $everyMinute) `
        -Settings $settings -Principal $principal -Description "Aislewatch $Program, from $Release" -Force | Out-Null
}

function Start-Program {
    if ($null -eq (Get-OwnTask)) { Stop-WithMessage 1 "the $Program is not installed: service.ps1 install $Program" }
    Enable-ScheduledTask -TaskPath $TaskPath -TaskName $Program | Out-Null
    Start-ScheduledTask -TaskPath $TaskPath -TaskName $Program
    Write-Output "the $Program is started; its log: $LogFile"
}

function Install-Program {
    $parts = Get-LauncherParts
    foreach ($path in @($Node, $KeepRunning, $parts.File)) {
        if (-not (Test-Path -LiteralPath $path -PathType Leaf)) { Stop-WithMessage 1 "$path is missing: unpack the archive again" }
    }
    Initialize-Folder
    Assert-Configuration $parts
    Stop-Program
    Register-Program $parts
    Start-Program
}

function Uninstall-Program {
    Stop-Program
    if ($null -ne (Get-OwnTask)) { Unregister-ScheduledTask -TaskPath $TaskPath -TaskName $Program -Confirm:$false }
    if (-not $Purge) {
        Write-Output "the $Program is uninstalled; configuration and data are still in $Folder"
        return
    }
    if (-not (Test-Path -LiteralPath $Folder)) { return }
    if (-not (Test-Path -LiteralPath $Marker)) { Stop-WithMessage 1 "$Folder was not made by install: remove it yourself" }
    Remove-Item -LiteralPath $Folder -Recurse -Force
    Write-Output "the $Program is uninstalled, and $Folder is gone"
}

function Show-Status {
    $task = Get-OwnTask
    if ($null -eq $task) { Stop-WithMessage 1 "the $Program is not installed: service.ps1 install $Program" }
    $info = Get-ScheduledTaskInfo -TaskPath $TaskPath -TaskName $Program
    Write-Output "task     $TaskPath$Program, $($task.State), since $($info.LastRunTime), last result $($info.LastTaskResult)"
    Write-Output "files    $Folder"
    Write-Output "log      $LogFile"
    if (Test-Path -LiteralPath $LogFile) { Get-Content -LiteralPath $LogFile -Tail $LogLinesShown }
    if ($task.State -ne 'Running') { exit 1 }
}

# Status, too: its log is in a folder that others may not read.
Assert-Elevated
switch ($Command) {
    'install' { Install-Program }
    'uninstall' { Uninstall-Program }
    'start' { Start-Program }
    'stop' { Stop-Program }
    'restart' {
        Stop-Program
        Start-Program
    }
    'status' { Show-Status }
}
